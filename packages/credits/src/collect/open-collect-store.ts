import type {
  AttachedCompanion,
  Companion,
  CompanionStore,
  Outbox,
  SqlCompanionStore,
} from '@token-meter/core/outbox'
import type { DatabaseSync } from 'node:sqlite'
import { whenFree } from '../busy.ts'
import type { Books } from '../books/books.ts'
import type { Columns } from '../books/columns.ts'
import { prepareCreditSchema } from '../books/sqlite-schema.ts'
import type { CollectStore, StoreEvents } from './collect-store.ts'
import { inMemory } from './memory-collect.ts'
import { type Ask, inSql, postgresDialect, sqliteDialect, tables } from './sql-collect.ts'

export function openCollectStore(outbox: Outbox, books: Books, events: StoreEvents): CollectStore {
  const { store } = outbox
  if (books.memory !== undefined) {
    return inMemory(outbox, store as CompanionStore<void>, books.memory, events)
  }
  if (store?.kind === 'sqlite') return inSqlite(store as CompanionStore<DatabaseSync>, events)
  return inPostgres(store as SqlCompanionStore, books, events)
}

interface SqlitePart extends Companion {
  readonly ask: (text: string, values: readonly unknown[]) => readonly Columns[]
}

function inSqlite(store: CompanionStore<DatabaseSync>, events: StoreEvents): CollectStore {
  const attached: AttachedCompanion<SqlitePart> = store.attach((database) => {
    prepareCreditSchema(database)
    for (const statement of tables(sqliteDialect)) database.exec(statement)
    const ask: SqlitePart['ask'] = (text, values) => {
      const statement = database.prepare(text.replaceAll(/\$(\d)/g, '?$1'))
      statement.setReadBigInts(true)
      return statement.all(...(values as (string | number)[])) as unknown as readonly Columns[]
    }
    events.opened()
    return { ask, appended: events.appended, closed: events.closed }
  })
  const ask: Ask = (text, values = []) =>
    whenFree(() => attached.write((part) => part.ask(text, values)), patience)
  return inSql(ask, () => sqliteDialect)
}

/** How long another process is waited for. */
const patience = { atMostMs: 2000, pauseMs: 10 }

function inPostgres(store: SqlCompanionStore, books: Books, events: StoreEvents): CollectStore {
  let schemaName = ''
  const attached = store.attach({
    name: 'credits-collect',
    version: 1,
    migrations: (schema, from) => (from === 0 ? tables(postgresDialect(schema)) : []),
    appended: async () => events.appended,
    closed: events.closed,
  })
  let prepared: Promise<unknown> | undefined
  const ask: Ask = async (text, values = []) => {
    // Their tables first.
    await (prepared ??= books
      .read(() => undefined)
      .catch((cause: unknown) => {
        prepared = undefined
        throw cause
      }))
    return await attached.transaction((asked, schema) => {
      schemaName = schema
      return asked(text.replaceAll(schemaMark, schema), values)
    })
  }
  return inSql(ask, () => postgresDialect(schemaName === '' ? schemaMark : schemaName))
}

/** Stands for the schema until a transaction names it. */
const schemaMark = '"token-meter-schema"'
