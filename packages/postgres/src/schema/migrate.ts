import { OutboxError, checkKeys } from '@token-meter/core/outbox'
import type { ClientBase, Pool } from 'pg'
import { AdvisoryLocks } from '../advisory-lock.ts'
import { postgresFailure } from '../failure.ts'
import { checkSchema, defaultSchema } from '../postgres-options.ts'
import { begin } from '../sql-text.ts'
import { identifier } from '../sql-text.ts'
import { migrationsFrom, schemaVersion } from './tables.ts'

/** How long one of its statements may take, in ms. */
const migrationTimeoutMs = 60_000

export interface MigrateOptions {
  /** @default 'token_meter' */
  readonly schema?: string
}

/**
 * Makes the tables of the outbox, or brings older ones up to date; does nothing where they are
 * current. Any number of processes may do so at once.
 * @throws OutboxError when the role may not, or a newer version made the tables.
 */
export async function migrate(pool: Pool, options: MigrateOptions = {}): Promise<void> {
  checkKeys<MigrateOptions>('migrate', options, { schema: true })
  const { schema = defaultSchema } = options
  checkSchema(schema)
  try {
    const client = await pool.connect()
    try {
      await prepareSchema(client, schema, begin(migrationTimeoutMs), true)
    } finally {
      client.release()
    }
  } catch (cause) {
    throw postgresFailure(cause, { action: 'migrate', description: `postgres (schema ${schema})` })
  }
}

/**
 * Makes sure that the tables are there and of this version.
 * @param beginning the statement that begins a transaction.
 * @param migrates false: only looks.
 */
export async function prepareSchema(
  client: ClientBase,
  schema: string,
  beginning: string,
  migrates: boolean,
): Promise<void> {
  if (await hasTables(client, schema)) return
  if (!migrates) {
    throw new OutboxError(
      `Cannot use the outbox in the Postgres schema ${schema}: its tables are not there, or not of this version. Run ` +
        'migrate(pool) with a role that may create them, or leave the option migrate on.',
    )
  }
  await client.query(beginning)
  try {
    await client.query(new AdvisoryLocks(schema).everySink())
    // Another process may have been first.
    const version = await checkedVersion(client, schema)
    if (version < schemaVersion) await bringUp(client, schema, version)
    await client.query('COMMIT')
  } catch (cause) {
    await client.query('ROLLBACK').catch(() => {})
    throw cause
  }
}

/**
 * Only looks, on any connection.
 * @throws OutboxError where a newer version made them.
 */
export async function hasTables(client: ClientBase, schema: string): Promise<boolean> {
  return (await checkedVersion(client, schema)) === schemaVersion
}

async function bringUp(client: ClientBase, schema: string, version: number): Promise<void> {
  // Not IF NOT EXISTS, for which the role would need the right to make one though it is there.
  const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema])
  if (rowCount === 0) await client.query(`CREATE SCHEMA ${identifier(schema)}`)
  for (const statement of migrationsFrom(version, identifier(schema))) {
    await client.query(statement)
  }
}

/** The version of the tables that are there; 0 for none. */
async function checkedVersion(client: ClientBase, schema: string): Promise<number> {
  const table = `${identifier(schema)}.ledger`
  // Not to_regclass, which may answer from a cache of before the lock was waited for.
  const { rowCount } = await client.query(
    `SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname = $1 AND relname = 'ledger'`,
    [schema],
  )
  if (rowCount === 0) return 0
  const { rows } = await client.query<{ version: number }>(`SELECT version FROM ${table}`)
  const version = Number(rows[0]?.version ?? 0)
  if (version > schemaVersion) {
    throw new OutboxError(
      `Cannot use the outbox in the Postgres schema ${schema}: a newer token-meter made it (schema ` +
        `version ${version}, this one knows ${schemaVersion}). Update @token-meter/postgres in this ` +
        'process, or choose another schema.',
    )
  }
  return version
}
