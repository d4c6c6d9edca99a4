/**
 * Tables of the gateway beside the records of an outbox: in the same file, the same schema. What is asked
 * of them is written once for SQLite and Postgres, `{name}` standing for a table or a function and `$1` for a value.
 */
import type {
  AppendedRecords,
  Companion,
  CompanionStore,
  Outbox,
  SqlCompanionStore,
} from '@token-meter/core/outbox'
import { ConfigError } from '@token-meter/core/outbox'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { whenFree } from './busy.ts'

export type Row = Readonly<Record<string, unknown>>
export type Value = string | number | null
export type Statement = readonly [text: string, values?: readonly Value[]]

export interface Tables {
  readonly kind: 'sqlite' | 'postgres'
  /** The rows of one question. */
  read(text: string, values?: readonly Value[]): Promise<readonly Row[]>
  /** Writes, all or nothing. Returns the rows of each statement. */
  write(...statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>
}

/** What is made where there is none, by the name that its version is kept under. */
export interface TableSet {
  readonly name: string
  /**
   * What brings the tables from one version to the next, oldest first. A released one is never changed.
   * `double precision` and `bigint` are understood by both databases.
   */
  readonly migrations: readonly (readonly string[])[]
  /** What is written with records that are kept just now, in the same transaction. @default nothing */
  readonly appended?: (appends: readonly AppendedRecords[]) => readonly Statement[]
}

/**
 * `undefined` for an outbox in memory, beside which everything is in memory too.
 * @throws ConfigError for an outbox that nothing can be kept beside.
 */
export function openTables(outbox: Outbox, tables: TableSet): Tables | undefined {
  const { store } = outbox
  switch (store?.kind) {
    case 'memory':
      return undefined
    case 'sqlite':
      return inSqlite(store as CompanionStore<DatabaseSync>, tables)
    case 'postgres':
      return inPostgres(store as SqlCompanionStore, tables)
    default:
      throw new ConfigError(
        `The gateway keeps what it knows beside usage, and the outbox "${outbox.description}" has no place for that. ` +
          'Pass one that has: sqliteOutbox(path) or postgresOutbox(connection)',
      )
  }
}

/** What an outbox in memory is known by, also where a meter has put something around it. */
export function placeOf({ store }: Outbox): object {
  return store ?? nowhere
}

const nowhere = {}

/** How long another process is waited for that has the store. */
const patience = { atMostMs: 2000, pauseMs: 5 }

interface SqlitePart extends Companion {
  ask(text: string, values: readonly Value[]): readonly Row[]
}

function inSqlite(store: CompanionStore<DatabaseSync>, tables: TableSet): Tables {
  const attached = store.attach((database): SqlitePart => {
    prepareSqlite(database, tables)
    const prepared = new Map<string, StatementSync>()
    const ask: SqlitePart['ask'] = (text, values) => {
      let statement = prepared.get(text)
      if (statement === undefined) {
        statement = database.prepare(bare(text).replaceAll(/\$(\d)/g, '?$1'))
        prepared.set(text, statement)
      }
      return statement.all(...(values as readonly SQLInputValue[])) as readonly Row[]
    }
    return {
      appended(appends) {
        for (const [text, values = []] of tables.appended?.(appends) ?? []) ask(text, values)
      },
      ask,
    }
  })
  return {
    kind: 'sqlite',
    read: (text, values = []) =>
      whenFree(() => attached.read((part) => part.ask(text, values)), patience),
    write: (...statements) =>
      whenFree(
        () =>
          attached.write((part) => statements.map(([text, values = []]) => part.ask(text, values))),
        patience,
      ),
  }
}

function prepareSqlite(database: DatabaseSync, { name, migrations }: TableSet): void {
  database.exec(
    'CREATE TABLE IF NOT EXISTS gateway_schema (name TEXT PRIMARY KEY, version INTEGER NOT NULL)',
  )
  const row = database.prepare('SELECT version FROM gateway_schema WHERE name = ?').get(name)
  const version = Number(row?.['version'] ?? 0)
  if (version > migrations.length) {
    throw new ConfigError(
      `A newer @token-meter/gateway made the tables of ${name} (version ${version}, this one knows ${migrations.length}): update it in this process`,
    )
  }
  if (version === migrations.length) return
  for (const statement of migrations.slice(version).flat()) database.exec(bare(statement))
  database
    .prepare(
      `INSERT INTO gateway_schema (name, version) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET version = excluded.version`,
    )
    .run(name, migrations.length)
}

function inPostgres(store: SqlCompanionStore, tables: TableSet): Tables {
  const { name, migrations } = tables
  const attached = store.attach({
    name,
    version: migrations.length,
    migrations: (schema, from) =>
      migrations.slice(from).flatMap((each) => each.map((text) => within(schema, text))),
    async appended(ask, schema, appends) {
      for (const [text, values = []] of tables.appended?.(appends) ?? []) {
        await ask(within(schema, text), values)
      }
      return () => undefined
    },
  })
  const write: Tables['write'] = (...statements) =>
    attached.transaction(async (ask, schema) => {
      const answers: (readonly Row[])[] = []
      for (const [text, values = []] of statements) {
        answers.push(await ask(within(schema, text), values))
      }
      return answers
    })
  return {
    kind: 'postgres',
    read: async (text, values) => (await write([text, values ?? []]))[0] ?? [],
    write,
  }
}

const bare = (text: string): string => text.replaceAll(/\{(\w+)\}/g, '$1')

function within(schema: string, text: string): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, table: string) => `${schema}.${table}`)
}
