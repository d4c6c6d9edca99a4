import { afterAll, beforeAll } from 'vitest'
import { memoryOutbox } from '@token-meter/core'
import type { Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'

/** A new outbox of each kind that books can stand beside; of Postgres there is one server a file. */
export function everyStore(): Readonly<Record<'memory' | 'sqlite' | 'postgres', () => Outbox>> {
  let server: Awaited<ReturnType<typeof startPostgres>>
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.stop())
  let schemas = 0
  return {
    memory: () => memoryOutbox(),
    sqlite: () => sqliteOutbox(temporaryFile()),
    postgres: () =>
      postgresOutbox(
        { connectionString: server.url },
        { schema: `credits_${++schemas}`, spoolFolder: temporaryFile() },
      ),
  }
}
