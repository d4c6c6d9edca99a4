import pg, {
  type ClientBase,
  type Pool,
  type PoolConfig,
  type QueryConfig,
  type QueryResult,
  type QueryResultRow,
} from 'pg'
import { AdvisoryLocks } from './advisory-lock.ts'
import { isPassing } from './failure.ts'
import {
  type DatabasePlace,
  type PostgresConnection,
  type PostgresOutboxOptions,
  checkOptions,
  defaultSchema,
  describe,
  placeOf,
} from './postgres-options.ts'
import { hasTables, prepareSchema } from './schema/migrate.ts'
import { begin, identifier } from './sql-text.ts'

/** Asks the database within a transaction. */
export type Ask = <Row extends QueryResultRow>(
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Row[]>

type Work<Value> = (ask: Ask) => Promise<Value>

/** Does work as one transaction, all or nothing. */
export type Transaction = <Value>(work: Work<Value>) => Promise<Value>

/** Work on one connection, in transactions of its own. */
export type OnConnection = (ask: Ask, transaction: Transaction) => Promise<void>

/** How long an answer may take before the connection counts as dead, in ms. */
const defaultAnswerTimeoutMs = 30_000
/** Which part of that the server gives a statement of a transaction, so that it ends first. */
const statementShare = 0.8
/** How long a failure that does not pass by itself is taken for granted, in ms. */
const failureHoldsMs = 1_000

/** The connections of one outbox, and its schema, prepared before the first use. */
export class Database {
  readonly description: string
  readonly place: DatabasePlace
  readonly schemaName: string
  /** Quoted, to stand before a table's name. */
  readonly schema: string
  readonly locks: AdvisoryLocks
  /** Done when the tables are there, before anything else is done with them. */
  whenPrepared: OnConnection | undefined
  readonly #pool: Pool
  readonly #ownsPool: boolean
  readonly #migrates: boolean
  readonly #now: (() => number) | undefined
  readonly #answerTimeoutMs: number
  readonly #begin: string
  #prepared: Promise<void> | undefined
  #isPrepared = false
  /** Statements whose last answer did not come in time. */
  readonly #stuck = new Set<string>()

  /** Connects to nothing yet. @throws ConfigError for a wrong option or connection string. */
  constructor(
    connection: PostgresConnection,
    options: PostgresOutboxOptions,
    answerTimeoutMs = defaultAnswerTimeoutMs,
  ) {
    checkOptions(connection, options)
    this.schemaName = options.schema ?? defaultSchema
    this.#migrates = options.migrate ?? true
    this.#now = options.now
    this.#answerTimeoutMs = answerTimeoutMs
    this.#begin = begin(answerTimeoutMs * statementShare)
    this.schema = identifier(this.schemaName)
    this.locks = new AdvisoryLocks(this.schemaName)
    const { pool, connectionString } = connection
    this.place = placeOf(pool?.options ?? { connectionString })
    this.description = describe(this.place, this.schemaName)
    this.#ownsPool = pool === undefined
    this.#pool =
      pool ??
      ownPool({
        ...(connectionString !== undefined && { connectionString }),
        max: options.maxConnections ?? 4,
        query_timeout: answerTimeoutMs,
      })
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
    // A statement whose answer nobody waits for any more still waits for its lock in the server,
    // with its connection, and so would each further one. In a transaction the server ends it.
    if (this.#stuck.has(text)) {
      const rows = await this.transaction((ask) => ask<Row>(text, values))
      this.#stuck.delete(text)
      return rows
    }
    await this.prepared()
    return await this.#withClient(async (client) => {
      const { rows } = await this.#ask<Row>(client, text, values)
      return rows
    })
  }

  /**
   * Several statements as one transaction, and one more when it is committed, in one round trip;
   * returns the rows of each. What a statement of the transaction answers must be short: while its
   * reader stands still the transaction could not end.
   */
  async script<Row extends QueryResultRow>(
    statements: readonly string[],
    afterwards: string,
  ): Promise<readonly (readonly Row[])[]> {
    await this.prepared()
    const text = [this.#begin, ...statements, 'COMMIT', afterwards].join(';\n')
    return await this.#withClient(async (client) => {
      const answers: unknown = await this.#ask(client, text)
      const rows = (answers as readonly { rows: Row[] }[]).map((answer) => answer.rows)
      const end = rows.length - 2
      return [...rows.slice(end - statements.length, end), ...rows.slice(-1)]
    })
  }

  /** Work in a transaction, all or nothing. */
  async transaction<Value>(work: Work<Value>): Promise<Value> {
    await this.prepared()
    return await this.#withClient((client) => this.#transactionOn(client, work))
  }

  /** Work on one connection. */
  async connected(work: OnConnection): Promise<void> {
    await this.prepared()
    await this.#withClient((client) => this.#workOn(client, work))
  }

  /** Resolves when the tables are there; tried again after a failure. */
  prepared(): Promise<void> {
    return (this.#prepared ??= this.#prepare())
  }

  /** The same for who holds a connection, and might wait for another of its pool for ever. */
  async preparedFor(client: ClientBase): Promise<void> {
    if (this.#isPrepared || (await hasTables(client, this.schemaName))) return
    await this.prepared()
  }

  async close(): Promise<void> {
    if (this.#ownsPool) await this.#pool.end()
  }

  async #prepare(): Promise<void> {
    try {
      await this.#withClient(async (client) => {
        await prepareSchema(client, this.schemaName, this.#begin, this.#migrates)
        if (this.whenPrepared !== undefined) await this.#workOn(client, this.whenPrepared)
      })
      this.#isPrepared = true
    } catch (cause) {
      const forget = () => void (this.#prepared = undefined)
      // A wrong password is not tried again for every record.
      if (isPassing(cause)) forget()
      else setTimeout(forget, failureHoldsMs).unref()
      throw cause
    }
  }

  #asking(client: ClientBase): Ask {
    return async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await this.#ask<Row>(client, text, values)).rows
  }

  #workOn(client: ClientBase, work: OnConnection): Promise<void> {
    return work(this.#asking(client), (inside) => this.#transactionOn(client, inside))
  }

  async #transactionOn<Value>(client: ClientBase, work: Work<Value>): Promise<Value> {
    await this.#ask(client, this.#begin)
    const value = await work(this.#asking(client))
    await this.#ask(client, 'COMMIT')
    return value
  }

  /** With a limit of its own, because a pool that was given may have none. */
  async #ask<Row extends QueryResultRow>(
    client: ClientBase,
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    const asked: QueryConfig & { query_timeout: number } = {
      text,
      ...(values !== undefined && { values: [...values] }),
      query_timeout: this.#answerTimeoutMs,
    }
    try {
      return await client.query<Row>(asked)
    } catch (cause) {
      const isLate = cause instanceof Error && cause.message === 'Query read timeout'
      // The text of a script has values in it.
      if (isLate && values !== undefined) this.#stuck.add(text)
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
  const answered = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P)/.test(code)
  if (!answered) return false
  try {
    await client.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}

/** How long a connection may take to be made, in ms. */
const connectTimeoutMs = 5_000

/** Connections of the outbox's own. None is made before it is used, and none holds the process. */
function ownPool(config: PoolConfig): Pool {
  const pool = new pg.Pool({
    ...config,
    allowExitOnIdle: true,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'token-meter',
  })
  // The server may end a connection that waits here; the next use makes another.
  pool.on('error', () => {})
  return pool
}
