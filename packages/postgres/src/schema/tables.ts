/**
 * - `records`: the ledger. Numbers are drawn when a record is written but seen when its transaction
 *   commits, so they come out of order, and numbers of transactions that failed never come.
 * - `tallies`: how many records there ever were is the sum, kept apart for each process so that
 *   appends do not wait for each other.
 * - `sinks`: a sink's cursor stands for every record up to it that it could see. What it could not
 *   see is in `holes`, until the number turned up or every transaction that could bring it is over
 *   (`horizon`). Records up to `start` are from before the sink.
 * - `items`: a record that the cursor has passed has one as long as it is not settled, and keeps it
 *   when it was discarded; without one it is delivered or, with no customer, unattributed.
 * - `batches`: a batch is of the claim whose `lease` it has. Without one it waits for `due_at`.
 * - `refused_events`: the meter events that a sink refused after it had accepted them.
 * - `ledger`: up to `solid` no number can turn up any more; pruned ones are looked for by nobody.
 *
 * Times are ms since the epoch.
 */
function tables(schema: string): readonly string[] {
  return [
    `CREATE TABLE ${schema}.records (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id text NOT NULL UNIQUE,
      customer text,
      at double precision NOT NULL,
      body text NOT NULL
    )`,
    `CREATE INDEX records_unattributed ON ${schema}.records (seq) WHERE customer IS NULL`,
    // For pruning, which must not read the whole ledger every hour in every process.
    `CREATE INDEX records_old ON ${schema}.records (at, seq) WHERE customer IS NOT NULL`,
    `CREATE TABLE ${schema}.tallies (
      origin uuid PRIMARY KEY,
      recorded bigint NOT NULL
    ) WITH (fillfactor = 20)`,
    `CREATE TABLE ${schema}.ledger (
      version integer NOT NULL,
      pruned bigint NOT NULL DEFAULT 0,
      solid bigint NOT NULL DEFAULT 0
    )`,
    `INSERT INTO ${schema}.ledger (version) VALUES (1)`,
    `CREATE TABLE ${schema}.sinks (
      name text PRIMARY KEY,
      start bigint NOT NULL DEFAULT 0,
      cursor bigint NOT NULL DEFAULT 0,
      missed bigint NOT NULL,
      delivered bigint NOT NULL DEFAULT 0,
      discarded bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 20)`,
    `CREATE TABLE ${schema}.holes (
      sink text NOT NULL,
      seq bigint NOT NULL,
      horizon xid8 NOT NULL,
      PRIMARY KEY (sink, seq)
    )`,
    `CREATE TABLE ${schema}.batches (
      number bigint GENERATED ALWAYS AS IDENTITY,
      id text PRIMARY KEY,
      sink text NOT NULL,
      lease text,
      claimed_at double precision NOT NULL,
      due_at double precision NOT NULL
    )`,
    `CREATE INDEX batches_due ON ${schema}.batches (sink, due_at, number)`,
    `CREATE TABLE ${schema}.items (
      sink text NOT NULL,
      seq bigint NOT NULL,
      state text NOT NULL CHECK (state IN ('requeued', 'batched', 'dead', 'discarded')),
      batch text,
      attempts integer NOT NULL DEFAULT 0,
      first_attempt_at double precision,
      uncertain_since double precision,
      delivered_event_ids text[] NOT NULL DEFAULT '{}',
      reason text,
      failed_at double precision,
      PRIMARY KEY (sink, seq)
    )`,
    `CREATE TABLE ${schema}.refused_events (
      sink text NOT NULL,
      seq bigint NOT NULL,
      ids text[] NOT NULL,
      PRIMARY KEY (sink, seq)
    )`,
    `CREATE INDEX items_batched ON ${schema}.items (batch, seq) WHERE batch IS NOT NULL`,
    `CREATE INDEX items_requeued ON ${schema}.items (sink, seq) WHERE state = 'requeued'`,
    `CREATE INDEX items_dead ON ${schema}.items (sink, failed_at, seq) WHERE state = 'dead'`,
  ]
}

/**
 * What shows that the tables are a copy (heartbeat.ts): where they were at the last sign of
 * life, and when they rested. A rest stands for the records up to `upto`: since its beginning they
 * may have been delivered by the original, where it is `distrusted`.
 */
function copies(schema: string): readonly string[] {
  return [
    // One row.
    `CREATE TABLE ${schema}.identity (
      number integer PRIMARY KEY CHECK (number = 1),
      system text,
      timeline text,
      place text,
      seen_at double precision
    ) WITH (fillfactor = 20)`,
    `INSERT INTO ${schema}.identity (number) VALUES (1)`,
    `CREATE TABLE ${schema}.rests (
      number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      upto bigint NOT NULL,
      since double precision NOT NULL,
      distrusted boolean NOT NULL
    )`,
  ]
}

/** Why an item is dead or discarded, for machines. */
function refusals(schema: string): readonly string[] {
  return [`ALTER TABLE ${schema}.items ADD COLUMN code text, ADD COLUMN since double precision`]
}

/**
 * What may be in flight of a batch, request by request: of one that is claimed again only that is
 * uncertain, where its holder marked what it sent. `uncertain_event_ids` are those that may have
 * arrived, any where it is null; `uncertain_in` is the sum as part of which they may have.
 */
function marks(schema: string): readonly string[] {
  return [
    `ALTER TABLE ${schema}.items ADD COLUMN uncertain_event_ids text[], ADD COLUMN uncertain_in text`,
    `ALTER TABLE ${schema}.batches ADD COLUMN is_marked boolean NOT NULL DEFAULT false`,
    `CREATE TABLE ${schema}.marks (
      batch text NOT NULL,
      request integer NOT NULL,
      parts jsonb NOT NULL,
      PRIMARY KEY (batch, request)
    )`,
  ]
}

/**
 * What a sink is not given: an item that is discarded and can come back (`held` is 1), or was told to
 * go out and is never held again (2).
 *
 * - `held_to`: what is kept up to here is held, because the sink may be one of `held_for` under a new
 *   name.
 * - `sink_users`: a row for each process that delivers to the sink.
 */
function heldUsage(schema: string): readonly string[] {
  return [
    `ALTER TABLE ${schema}.records ADD COLUMN is_test boolean NOT NULL DEFAULT false`,
    `ALTER TABLE ${schema}.items ADD COLUMN held smallint NOT NULL DEFAULT 0`,
    `CREATE INDEX items_held ON ${schema}.items (sink, seq) WHERE held = 1`,
    `ALTER TABLE ${schema}.sinks ADD COLUMN mode text`,
    `ALTER TABLE ${schema}.sinks ADD COLUMN held_to bigint NOT NULL DEFAULT 0`,
    `ALTER TABLE ${schema}.sinks ADD COLUMN held_for text[] NOT NULL DEFAULT '{}'`,
    `CREATE TABLE ${schema}.sink_users (
      sink text NOT NULL,
      origin uuid NOT NULL,
      seen_at double precision NOT NULL,
      PRIMARY KEY (sink, origin)
    )`,
    `CREATE TABLE ${schema}.renamed_sinks (
      name text PRIMARY KEY,
      became text NOT NULL
    )`,
  ]
}

/** Which version the tables of those have that stand beside the outbox's own, such as credits. */
function companions(schema: string): readonly string[] {
  return [`CREATE TABLE ${schema}.companions (name text PRIMARY KEY, version integer NOT NULL)`]
}

/**
 * For prepaid credit: how many records of a sink it has paid for (items that are discarded for that
 * reason), and how often the tables were found to be a copy.
 */
function covered(schema: string): readonly string[] {
  return [
    `ALTER TABLE ${schema}.sinks ADD COLUMN covered bigint NOT NULL DEFAULT 0`,
    `ALTER TABLE ${schema}.identity ADD COLUMN restored integer NOT NULL DEFAULT 0`,
  ]
}

/** What a sink bills by, for accounts of credit that a backend bills. */
function sinkValues(schema: string): readonly string[] {
  return [`ALTER TABLE ${schema}.sinks ADD COLUMN value text`]
}

/**
 * Usage of answers under way, by the id that its record will have. `owner` is who opened it, and `seen_at` when
 * that was last heard of. A table of its own: the ledger has what was used.
 */
function openUsage(schema: string): readonly string[] {
  return [
    `CREATE TABLE ${schema}.open_usage (
      id text PRIMARY KEY,
      body text NOT NULL,
      hold_ids text[] NOT NULL,
      owner text NOT NULL,
      seen_at double precision NOT NULL
    ) WITH (fillfactor = 50)`,
    `CREATE INDEX open_usage_owners ON ${schema}.open_usage (owner)`,
  ]
}

/** Each brings the tables from the version before to its own, and never changes again. */
const migrations = [
  tables,
  copies,
  refusals,
  marks,
  heldUsage,
  companions,
  covered,
  sinkValues,
  openUsage,
] as const

/** Tables with a higher one were made by a newer version of this package. */
export const schemaVersion: number = migrations.length

/** The statements that bring tables of a version, 0 for none, to this one. */
export function migrationsFrom(version: number, schema: string): readonly string[] {
  return [
    ...migrations.slice(version).flatMap((migration) => migration(schema)),
    `UPDATE ${schema}.ledger SET version = ${schemaVersion}`,
  ]
}
