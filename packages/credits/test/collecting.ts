/** Outboxes that can be opened again, as another process does, credits beside them, and backends that bill. */
import { createMeter, memoryOutbox, type Sink, type UsageRecord } from '@token-meter/core'
import type { Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { exampleRecord } from '@token-meter/testkit'
import { startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { createCredits } from '../src/index.ts'

/** Of each kind a store, and what opens it again. Of Postgres there is one server a file of tests. */
export function openAgain(): Readonly<Record<string, () => () => Outbox>> {
  let server: Awaited<ReturnType<typeof startPostgres>>
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.stop())
  let schemas = 0
  return {
    memory: () => {
      const outbox = memoryOutbox()
      return () => outbox
    },
    sqlite: () => {
      const path = temporaryFile()
      return () => sqliteOutbox(path)
    },
    postgres: () => {
      const schema = `collect_${++schemas}`
      return () =>
        postgresOutbox({ connectionString: server.url }, { schema, spoolFolder: temporaryFile() })
    },
  }
}

const quick = { lingerMs: 1, pollMs: 20, backoff: { baseMs: 5, maxMs: 50 } }

export const costing = (id: string, billed: string, more: Partial<UsageRecord> = {}) =>
  exampleRecord({
    id,
    customer: 'cus_1',
    at: Date.now() + 1000,
    cost: { currency: 'USD', provider: billed, billed, source: 'prices' },
    ...more,
  })

/** A sink that bills, and what it was sent. */
export function backend(options: Partial<Sink> = {}) {
  const sent: string[] = []
  const sink: Sink = {
    name: 'backend',
    ...options,
    send: async ({ entries }) => {
      sent.push(...entries.map(({ record }) => record.id))
      return entries.map(() => ({ status: 'accepted' }))
    },
  }
  return { sent, sink }
}

/** Credits on a store, which `another()` opens once more. */
export function startCredits(
  store: () => () => Outbox,
  options: Partial<Parameters<typeof createCredits>[0]> = {},
) {
  const open = store()
  const opened: Outbox[] = []
  const another = () => {
    const outbox = open()
    opened.push(outbox)
    return outbox
  }
  onTestFinished(async () => {
    for (const outbox of new Set(opened)) await outbox.close()
  })
  const outbox = another()
  const credits = createCredits({ outbox, ephemeral: true, ...options })
  const available = async (customer = 'cus_1') => (await credits.balance(customer)).available
  return { outbox, credits, available, another }
}

/** A meter that only delivers. */
export function deliver(outbox: Outbox, sinks: readonly Sink[]) {
  const meter = createMeter({ providers: [], outbox, sinks, delivery: quick, onError: () => {} })
  onTestFinished(() => meter.close({ timeoutMs: 10 }).catch(() => {}))
  return meter
}
