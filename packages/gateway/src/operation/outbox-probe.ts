/** Whether the outbox takes writes, by writing: a file that is read-only, a disk that is full, a database that is away. */
import type { CompanionStore, Outbox, SqlCompanionStore } from '@token-meter/core/outbox'
import type { DatabaseSync } from 'node:sqlite'

/** One row in a table beside the records. */
const table = 'gateway_probe'

/** @returns what writes once: it throws, or rejects, where that cannot be done. */
export function outboxProbe({ store, recorded }: Outbox): () => void | Promise<unknown> {
  if (store?.kind === 'sqlite') return sqliteProbe(store as CompanionStore<DatabaseSync>)
  if (store?.kind === 'postgres') return postgresProbe(store)
  // Memory, or one of the application's own: it says at least whether it answers.
  return async () => void (await recorded())
}

function sqliteProbe(store: CompanionStore<DatabaseSync>): () => void {
  const attached = store.attach((database) => {
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (one INTEGER PRIMARY KEY CHECK (one = 1), at REAL NOT NULL) STRICT`,
    )
    return { database, appended: () => {} }
  })
  return () =>
    attached.write(({ database }) =>
      database
        .prepare(`INSERT INTO ${table} VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at`)
        .run(Date.now()),
    ) && undefined
}

function postgresProbe(store: SqlCompanionStore): () => Promise<unknown> {
  const attached = store.attach({
    name: table,
    version: 1,
    migrations: (schema) => [
      `CREATE TABLE ${schema}.${table} (one integer PRIMARY KEY CHECK (one = 1), at timestamptz NOT NULL)`,
    ],
    appended: async () => () => {},
  })
  return () =>
    attached.transaction((ask, schema) =>
      ask(
        `INSERT INTO ${schema}.${table} VALUES (1, now()) ON CONFLICT (one) DO UPDATE SET at = excluded.at`,
      ),
    )
}
