import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '../../../testkit/src/example-record.ts'
import type { UsageRecord } from '../../src/usage/usage-record.ts'

/** The tables as the first release made them. */
const tables = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    customer TEXT,
    at REAL NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX records_unattributed ON records (seq) WHERE customer IS NULL;
  CREATE TABLE ledger (pruned INTEGER NOT NULL) STRICT;
  INSERT INTO ledger (pruned) VALUES (0);
  CREATE TABLE sinks (
    name TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL DEFAULT 0,
    missed INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    discarded INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE batches (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    sink TEXT NOT NULL,
    lease TEXT,
    claimed_at REAL NOT NULL,
    due_at REAL NOT NULL
  ) STRICT;
  CREATE INDEX batches_due ON batches (sink, due_at);
  CREATE TABLE items (
    sink TEXT NOT NULL,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('requeued', 'batched', 'dead', 'discarded')),
    batch TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_at REAL,
    uncertain_since REAL,
    delivered_event_ids TEXT NOT NULL DEFAULT '[]',
    reason TEXT,
    failed_at REAL,
    PRIMARY KEY (sink, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX items_batched ON items (batch, seq) WHERE batch IS NOT NULL;
  CREATE INDEX items_requeued ON items (sink, seq) WHERE state = 'requeued';
  CREATE INDEX items_dead ON items (sink, failed_at, seq) WHERE state = 'dead';
  PRAGMA application_id = ${0x746b6e6d};
  PRAGMA user_version = 1;
`

/**
 * Six records, of which the sink "alpha" has delivered the first, buried the second, the third in a
 * batch that is due again, requeued the fourth and the fifth, and discarded the last;
 * and one without a customer.
 */
export function fileOfVersion1(path: string, records: readonly UsageRecord[]): void {
  const database = new DatabaseSync(path)
  database.exec(tables)
  const keep = database.prepare('INSERT INTO records (id, customer, at, body) VALUES (?, ?, ?, ?)')
  const nobody = exampleRecord({ id: 'nobody', customer: null })
  for (const record of [...records, nobody]) {
    keep.run(record.id, record.customer, record.at, JSON.stringify(record))
  }
  database.exec(`
    INSERT INTO sinks VALUES ('alpha', 7, 0, 1, 1);
    INSERT INTO batches VALUES (1, 'batch-1', 'alpha', NULL, 1000, 2000);
    INSERT INTO items VALUES
      ('alpha', 2, 'dead', NULL, 2, 1000, NULL, '[]', 'no meter', 3000),
      ('alpha', 3, 'batched', 'batch-1', 1, 1000, 1000, '["x"]', NULL, NULL),
      ('alpha', 4, 'requeued', NULL, 0, NULL, NULL, '[]', NULL, NULL),
      ('alpha', 5, 'requeued', NULL, 0, NULL, NULL, '[]', NULL, NULL),
      ('alpha', 6, 'discarded', NULL, 1, 1000, NULL, '[]', 'too old', 2000);
  `)
  database.close()
}
