import { ConfigError } from '@token-meter/core/adapter'
import pg, { type ClientBase, type Pool, type QueryResultRow } from 'pg'
import { AdvisoryLocks } from './advisory-lock.ts'
import { begin } from './begin.ts'
import { isPassing } from './postgres-failure.ts'
import {
  checkOptions,
  defaultSchema,
  type PostgresConnection,
  type PostgresOutboxOptions,
} from './postgres-options.ts'
import { prepareSchema } from './schema/migrate.ts'
import { identifier } from './sql-text.ts'

/** Asks the database within a transaction. */
export type Ask = <Row extends QueryResultRow>(
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Row[]>

/** How long a connection may take to be made, in ms. */
const connectTimeoutMs = 5_000
/** How long an answer may take before the connection counts as dead, in ms. */
const answerTimeoutMs = 30_000
/** How long a failure that does not pass by itself is taken for granted, in ms. */
const failureHoldsMs = 1_000

/** The connections of one outbox, and its schema, prepared before the first use. */
export class Database {
  readonly description: string
  /** Quoted, to stand before a table's name. */
  readonly schema: string
  readonly locks: AdvisoryLocks
  readonly #pool: Pool
  readonly #ownsPool: boolean
  readonly #schemaName: string
  readonly #migrates: boolean
  readonly #now: (() => number) | undefined
  #prepared: Promise<void> | undefined

  /** Connects to nothing yet. @throws ConfigError for a wrong option or connection string. */
  constructor(connection: PostgresConnection, options: PostgresOutboxOptions) {
    checkOptions(connection, options)
    this.#schemaName = options.schema ?? defaultSchema
    this.#migrates = options.migrate ?? true
    this.#now = options.now
    this.schema = identifier(this.#schemaName)
    this.locks = new AdvisoryLocks(this.#schemaName)
    const { pool, connectionString } = connection
    this.description = describe(pool?.options ?? { connectionString }, this.#schemaName)
    this.#ownsPool = pool === undefined
    this.#pool = pool ?? ownPool(connectionString, options.maxConnections ?? 4)
  }

  /** The test's time as a parameter; null for the database's own. See `moment`. */
  get nowMs(): number | null {
    return this.#now?.() ?? null
  }

  /** This process's time, for answers that are compared with it. */
  get localNowMs(): number {
    return this.#now?.() ?? Date.now()
  }

  /** One statement. */
  async query<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    await this.prepared()
    return await this.#withClient(async (client) => {
      const { rows } = await client.query<Row>(text, [...values])
      return rows
    })
  }

  /** Several statements as one transaction in one round trip; answers the rows of each. */
  async script<Row extends QueryResultRow>(
    statements: readonly string[],
  ): Promise<readonly (readonly Row[])[]> {
    await this.prepared()
    const text = [begin, ...statements, 'COMMIT'].join(';\n')
    return await this.#withClient(async (client) => {
      const answers: unknown = await client.query(text)
      return (answers as readonly { rows: Row[] }[]).slice(1, -1).map(({ rows }) => rows)
    })
  }

  /** Work in a transaction, all or nothing. */
  async transaction<Value>(work: (ask: Ask) => Promise<Value>): Promise<Value> {
    await this.prepared()
    return await this.#withClient(async (client) => {
      await client.query(begin)
      const value = await work(
        async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
          (await client.query<Row>(text, [...values])).rows,
      )
      await client.query('COMMIT')
      return value
    })
  }

  /** Resolves when the tables are there; tried again after a failure. */
  prepared(): Promise<void> {
    return (this.#prepared ??= this.#prepare())
  }

  async close(): Promise<void> {
    if (this.#ownsPool) await this.#pool.end()
  }

  async #prepare(): Promise<void> {
    try {
      await this.#withClient((client) => prepareSchema(client, this.#schemaName, this.#migrates))
    } catch (cause) {
      const forget = () => void (this.#prepared = undefined)
      // A wrong password is not tried again for every record.
      if (isPassing(cause)) forget()
      else setTimeout(forget, failureHoldsMs).unref()
      throw cause
    }
  }

  async #withClient<Value>(work: (client: ClientBase) => Promise<Value>): Promise<Value> {
    const client = await this.#pool.connect()
    // While it is lent out nobody else listens, and a lost connection would end the process.
    const onError = () => {}
    client.on('error', onError)
    let failure: unknown
    try {
      return await work(client)
    } catch (cause) {
      failure = cause
      throw cause
    } finally {
      const isUsable = failure === undefined || (await isRolledBack(client, failure))
      client.off('error', onError)
      client.release(!isUsable)
    }
  }
}

/** The moment a statement works with, as `moment.ms`: the parameter, or the database's clock. */
export function moment(parameter: string): string {
  return `moment AS MATERIALIZED (
    SELECT coalesce(${parameter}::float8,
      floor(extract(epoch FROM clock_timestamp())::float8 * 1000)) AS ms)`
}

/** Leaves no transaction open; false when the connection is of no use any more. */
async function isRolledBack(client: ClientBase, failure: unknown): Promise<boolean> {
  const { code } = failure as { code?: unknown }
  const answered = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|57)/.test(code)
  if (!answered) return false
  try {
    await client.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}

function ownPool(connectionString: string | undefined, max: number): Pool {
  const pool = new pg.Pool({
    ...(connectionString !== undefined && { connectionString }),
    max,
    allowExitOnIdle: true,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerTimeoutMs,
    application_name: 'token-meter',
  })
  // The server may end a connection that waits here; the next use makes another.
  pool.on('error', () => {})
  return pool
}

/** Where it is, without the password. */
function describe(options: pg.PoolConfig | { connectionString: string }, schema: string): string {
  let client: pg.Client
  try {
    client = new pg.Client(options)
  } catch {
    // The error of the parser may quote the string, with the password in it.
    throw new ConfigError(
      'the connection string of the Postgres outbox cannot be read: expected ' +
        'postgres://user:password@host:port/database, with special characters percent-encoded',
    )
  }
  const { user, host, port, database } = client
  return `postgres ${user ?? ''}@${host}:${port}/${database ?? ''} (schema ${schema})`
}
