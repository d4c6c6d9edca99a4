import type { DatabaseSync } from 'node:sqlite'
import { isMirror, mirroredAs, ofStripe } from './erased.ts'

/**
 * In the outbox's own file, beside its tables. Amounts are 64-bit integers, checked to stay so;
 * entries can be added and never changed. A customer's name stands in `credit_accounts` alone.
 *
 * A call writes two rows of two tables when it begins, and three of three when it ends: each page that
 * a transaction changes costs as much as all else that is done with it. So holds have no index by
 * their lease: they are few, since those that have ended are deleted, by their lease too.
 */
const version1 = `
  CREATE TABLE credit_accounts (
    id INTEGER PRIMARY KEY,
    customer TEXT NOT NULL,
    unit TEXT NOT NULL,
    stripe_account TEXT NOT NULL,
    collect TEXT NOT NULL DEFAULT 'prepaid' CHECK (collect IN ('prepaid', 'mirror')),
    debt INTEGER NOT NULL DEFAULT 0 CHECK (debt >= 0),
    next_due_at REAL,
    blocked TEXT,
    created_at REAL NOT NULL,
    UNIQUE (customer, unit, stripe_account)
  ) STRICT;
  CREATE INDEX credit_accounts_due ON credit_accounts (next_due_at) WHERE next_due_at IS NOT NULL;

  CREATE TABLE credit_grants (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    remaining INTEGER NOT NULL,
    held INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('scheduled', 'active', 'expired', 'voided')),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 100),
    kind TEXT NOT NULL,
    effective_at REAL NOT NULL,
    expires_at REAL,
    source TEXT,
    idempotency_key TEXT NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (account, idempotency_key),
    CHECK (held BETWEEN 0 AND remaining AND remaining <= amount)
  ) STRICT;
  CREATE INDEX credit_grants_in_use ON credit_grants (account, state)
    WHERE state IN ('scheduled', 'active');
  CREATE INDEX credit_grants_source ON credit_grants (account, source) WHERE source IS NOT NULL;

  CREATE TABLE credit_holds (
    id TEXT PRIMARY KEY,
    account INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    floor INTEGER NOT NULL,
    allocation TEXT NOT NULL,
    pools TEXT,
    named INTEGER NOT NULL,
    job TEXT,
    lease_until REAL NOT NULL,
    created_at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credit_holds_job ON credit_holds (job) WHERE job IS NOT NULL;

  CREATE TABLE credit_ended_holds (
    id TEXT PRIMARY KEY,
    account INTEGER NOT NULL,
    amount INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE credit_pools (
    id INTEGER PRIMARY KEY,
    pool TEXT NOT NULL,
    period TEXT NOT NULL,
    "limit" INTEGER NOT NULL,
    carried INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    held INTEGER NOT NULL CHECK (held >= 0),
    UNIQUE (pool, period)
  ) STRICT;

  CREATE TABLE credit_entries (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    grant_id INTEGER,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    key TEXT NOT NULL,
    hold TEXT,
    record TEXT,
    pools TEXT,
    ref TEXT,
    actor TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credit_entries_grant ON credit_entries (account, grant_id) WHERE kind <> 'usage';
  CREATE INDEX credit_entries_lease ON credit_entries (hold) WHERE kind = 'lease';
  CREATE INDEX credit_entries_job ON credit_entries (ref) WHERE kind = 'lease' AND ref IS NOT NULL;
  CREATE TABLE credit_objects (
    account INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    due_at REAL,
    at REAL NOT NULL,
    PRIMARY KEY (account, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credit_objects_due ON credit_objects (kind, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX credit_grants_paid ON credit_grants (idempotency_key) WHERE kind = 'paid';
  CREATE INDEX credit_grants_paid_for ON credit_grants (source) WHERE kind = 'paid';
  CREATE INDEX credit_objects_mirrored ON credit_objects (${mirroredAs}) WHERE ${isMirror};
  CREATE INDEX credit_objects_stripe ON credit_objects (id) WHERE ${ofStripe};
  CREATE TRIGGER credit_entries_stay BEFORE UPDATE ON credit_entries
    BEGIN SELECT raise(ABORT, 'entries of credit are never changed'); END;
  CREATE TRIGGER credit_entries_remain BEFORE DELETE ON credit_entries
    BEGIN SELECT raise(ABORT, 'entries of credit are never deleted'); END;
`

const migrations: readonly string[] = [version1]

/** Makes the tables, or brings them to this version. Inside a transaction of the caller's. */
export function prepareCreditSchema(database: DatabaseSync): void {
  database.exec('CREATE TABLE IF NOT EXISTS credit_schema (version INTEGER NOT NULL) STRICT')
  const found = database.prepare('SELECT version FROM credit_schema').get() as
    | { version: number }
    | undefined
  const version = found?.version ?? 0
  if (version > migrations.length) {
    throw new Error(
      `a newer @token-meter/credits made its tables (version ${version}, this one knows ${migrations.length}): update it in this process`,
    )
  }
  if (version === migrations.length) return
  for (const migration of migrations.slice(version)) database.exec(migration)
  database.exec('DELETE FROM credit_schema')
  database.prepare('INSERT INTO credit_schema (version) VALUES (?)').run(migrations.length)
}
