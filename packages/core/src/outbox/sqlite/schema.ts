import type { DatabaseSync } from 'node:sqlite'
import { OutboxError } from '../../errors/errors.ts'
import { inTransaction } from './node-sqlite.ts'

/** Marks the file as ours: "tknm". */
const applicationId = 0x746b6e6d

/**
 * A sink's cursor stands for every record up to it, so that an append is one row whatever the number
 * of sinks. A record that the cursor has passed has an item as long as it is not settled, and keeps
 * it when it was discarded; without one it is delivered or, with no customer, unattributed.
 *
 * `seq` has no gaps, so the last one is also how many records there ever were.
 */
const version1 = `
  CREATE TABLE records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    customer TEXT,
    at REAL NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX records_unattributed ON records (seq) WHERE customer IS NULL;

  CREATE TABLE ledger (
    pruned INTEGER NOT NULL
  ) STRICT;
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
`

/**
 * A sink can begin later than the ledger: records before its first are not counted for it. And the
 * meter events that it refused after it had accepted them are known as long as their record.
 */
const version2 = `
  ALTER TABLE sinks ADD COLUMN first INTEGER NOT NULL DEFAULT 1;
  CREATE TABLE refused_events (
    sink TEXT NOT NULL,
    seq INTEGER NOT NULL,
    ids TEXT NOT NULL,
    PRIMARY KEY (sink, seq)
  ) STRICT, WITHOUT ROWID;
`

/** Why an item is dead or discarded, for machines. */
const refusals = `
  ALTER TABLE items ADD COLUMN code TEXT;
  ALTER TABLE items ADD COLUMN since REAL;
`

/**
 * What may be in flight of a batch, request by request: of one that is claimed again only that is
 * uncertain, where its holder marked what it sent. `uncertain_event_ids` are those that may have
 * arrived, any where it is null; `uncertain_in` is the sum as part of which they may have.
 */
const marks = `
  ALTER TABLE items ADD COLUMN uncertain_event_ids TEXT;
  ALTER TABLE items ADD COLUMN uncertain_in TEXT;
  ALTER TABLE batches ADD COLUMN is_marked INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE marks (
    batch TEXT NOT NULL,
    request INTEGER NOT NULL,
    parts TEXT NOT NULL,
    PRIMARY KEY (batch, request)
  ) STRICT, WITHOUT ROWID;
`

/**
 * What shows that a file is a copy (heartbeat.ts): an id and a count of signs of life, the places it
 * was seen in, and when it rested. A rest stands for the records up to `upto`: since its beginning
 * they may have been delivered by the original, unless it is `trusted`.
 */
const copies = `
  CREATE TABLE identity (
    id TEXT NOT NULL,
    beat INTEGER NOT NULL
  ) STRICT;
  INSERT INTO identity (id, beat) VALUES (lower(hex(randomblob(16))), 0);

  CREATE TABLE sightings (
    place TEXT PRIMARY KEY,
    first_beat INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    seen_at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE rests (
    upto INTEGER NOT NULL,
    since REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('trusted', 'watched', 'distrusted')),
    place TEXT,
    beat INTEGER
  ) STRICT;
`

/**
 * What a sink is not given: an item that is discarded and can come back (`held` is 1), or was told to
 * go out and is never held again (2). Processes that do not know of it leave it alone.
 *
 * - `is_test` is read from the body, so that an append stays what it was. A quick look goes first,
 *   because most records are live.
 * - `held_to`: what is kept up to here is held, because the sink may be one of `held_for` under a new
 *   name.
 * - `sink_users`: a row for each open outbox that delivers to the sink.
 */
const heldUsage = `
  ALTER TABLE records ADD COLUMN is_test INTEGER GENERATED ALWAYS AS (
    CASE WHEN instr(body, '"livemode":false') > 0
      THEN coalesce(json_extract(body, '$.livemode') = 0, 0) ELSE 0 END) VIRTUAL;
  ALTER TABLE items ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX items_held ON items (sink, seq) WHERE held = 1;
  ALTER TABLE sinks ADD COLUMN mode TEXT;
  ALTER TABLE sinks ADD COLUMN held_to INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sinks ADD COLUMN held_for TEXT NOT NULL DEFAULT '[]';
  CREATE TABLE sink_users (
    sink TEXT NOT NULL,
    user TEXT NOT NULL,
    seen_at REAL NOT NULL,
    PRIMARY KEY (sink, user)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE renamed_sinks (
    name TEXT PRIMARY KEY,
    became TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/**
 * For prepaid credit: how many records of a sink it has paid for (items that are discarded for that
 * reason), and how often the file was found to be a copy.
 */
const covered = `
  ALTER TABLE sinks ADD COLUMN covered INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE identity ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;
`

/** What a sink bills by, for accounts of credit that a backend bills. */
const sinkValues = `ALTER TABLE sinks ADD COLUMN value TEXT;`

/**
 * Usage of answers under way, by the id that its record will have. `owner` is who opened it, as a lease names
 * its holder, and `seen_at` when that was last heard of. A table of its own: the ledger has what was used.
 */
const openUsage = `
  CREATE TABLE open_usage (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    hold_ids TEXT NOT NULL,
    owner TEXT NOT NULL,
    seen_at REAL NOT NULL
  ) STRICT;
  CREATE INDEX open_usage_owners ON open_usage (owner);
`

/**
 * Each brings a file from the version before to its own, and never changes again: files of every
 * version are out there. A process of the version before may have the file open meanwhile, so what
 * it reads and writes has to stay.
 */
const migrations: readonly string[] = [
  version1,
  version2,
  copies,
  refusals,
  marks,
  heldUsage,
  covered,
  sinkValues,
  openUsage,
]

/** A file with a higher one was made by a newer version of this package. */
export const schemaVersion = migrations.length

/** Brings a file to this version, an empty one too; refuses a newer one, and another program's. */
export function prepareSchema(database: DatabaseSync, path: string): void {
  if (checkedVersion(database, path) === schemaVersion) return
  inTransaction(database, () => {
    // Another process may have been first.
    const version = checkedVersion(database, path)
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.exec(`PRAGMA application_id = ${applicationId}`)
    database.exec(`PRAGMA user_version = ${schemaVersion}`)
  })
}

function checkedVersion(database: DatabaseSync, path: string): number {
  const { application, version, tableCount } = database
    .prepare(
      `SELECT (SELECT application_id FROM pragma_application_id) AS application,
        (SELECT user_version FROM pragma_user_version) AS version,
        (SELECT count(*) FROM sqlite_schema) AS tableCount`,
    )
    .get() as { application: number; version: number; tableCount: number }
  if (application !== applicationId && tableCount > 0) {
    throw new OutboxError(
      `Cannot open the outbox ${path}: it is the database of another program. ` +
        'It was left as it is: choose a path of its own for the outbox.',
    )
  }
  if (version > schemaVersion) {
    throw new OutboxError(
      `Cannot open the outbox ${path}: a newer token-meter made it (schema ${version}, this one ` +
        `knows ${schemaVersion}). Update @token-meter/core in this process, or choose another path.`,
    )
  }
  return version
}
