import { afterAll, beforeAll } from 'vitest'
import { memoryOutbox } from '@token-meter/core'
import type { Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'

/** A place for usage and what stands beside it. */
export interface Place {
  /** An outbox in it; on SQLite and Postgres each further one is as another process has it. */
  open(): Outbox
}

/** One server for the tests of a file. */
export function postgresServer(): { readonly url: string } {
  let server: Awaited<ReturnType<typeof startPostgres>>
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.stop())
  return {
    get url() {
      return server.url
    },
  }
}

let schemas = 0

export function postgresPlace(server: {
  readonly url: string
}): Place & { readonly schema: string } {
  const schema = `gateway_${++schemas}`
  return {
    schema,
    open: () =>
      postgresOutbox({ connectionString: server.url }, { schema, spoolFolder: temporaryFile() }),
  }
}

export function sqlitePlace(): Place & { readonly path: string } {
  const path = temporaryFile()
  return { path, open: () => sqliteOutbox(path) }
}

export function memoryPlace(): Place {
  const outbox = memoryOutbox()
  return { open: () => outbox }
}

/** A new place of each kind that the gateway keeps things in. */
export function everyPlace(): Readonly<Record<'memory' | 'sqlite' | 'postgres', () => Place>> {
  const server = postgresServer()
  return { memory: memoryPlace, sqlite: sqlitePlace, postgres: () => postgresPlace(server) }
}
