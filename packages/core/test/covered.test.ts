import { expect, onTestFinished, test } from 'vitest'
import {
  aggregated,
  createMeter,
  memoryOutbox,
  type MeterOptions,
  type Outbox,
  type Sink,
  type UsageRecord,
} from '../src/index.ts'
import { Backend, quick, usage } from './backend.ts'

const books = 'credits'

/** The books of somebody, who covers what one customer used. */
async function keepBooks(outbox: Outbox, coveredCustomer = 'cus_prepaid'): Promise<number> {
  await outbox.attend(books, 'books')
  const batch = await outbox.claim(books, { limit: 100, leaseMs: 1000 })
  if (batch === undefined) return 0
  const results = batch.entries.map(({ record }) =>
    record.customer === coveredCustomer
      ? ({ status: 'accepted', code: 'covered' } as const)
      : ({ status: 'accepted' } as const),
  )
  await outbox.settle(batch, results)
  return batch.entries.length
}

function start(outbox: Outbox, sinks: MeterOptions['sinks'] = []) {
  const errors: string[] = []
  const onError = (error: Error) => void errors.push(error.message)
  const meter = createMeter({ providers: [], outbox, sinks, delivery: quick, onError })
  onTestFinished(() => meter.close({ timeoutMs: 10 }).catch(() => {}))
  return { meter, errors }
}

const delays = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('what is paid for goes to no sink that bills, and to those that bill nobody', async () => {
  const outbox = memoryOutbox()
  const [backend, metrics] = [new Backend(), new Backend()]
  const { meter } = start(outbox, [backend.sink(), metrics.sink('metrics', { bills: false })])
  const covered: UsageRecord[] = []
  const delivered: string[] = []
  meter.on('covered', ({ sink, records }) => sink === 'backend' && covered.push(...records))
  meter.on('delivered', ({ sink, records }) => {
    if (sink === 'backend') delivered.push(...records.map(({ id }) => id))
  })
  await outbox.attend(books, 'books')
  for (const [id, customer] of [
    ['a', 'cus_prepaid'],
    ['b', 'cus_1'],
    ['c', 'cus_prepaid'],
  ] as const) {
    await meter.record(usage(id, customer))
  }
  await keepBooks(outbox)
  const { sinks } = await meter.flush()
  expect(backend.accepted).toEqual(['b'])
  expect(metrics.accepted).toEqual(['a', 'b', 'c'])
  expect(sinks).toMatchObject({
    backend: { recorded: 3, delivered: 1, covered: 2, pending: 0 },
    metrics: { delivered: 3 },
  })
  expect(covered.map(({ id }) => id)).toEqual(['a', 'c'])
  expect(delivered).toEqual(['b'])
})

test('what the books have not seen waits, also for who keeps none', async () => {
  const outbox = memoryOutbox()
  const backend = new Backend()
  await outbox.attend(books, 'books')
  const { meter } = start(outbox, [backend.sink()])
  await meter.record(usage('a', 'cus_prepaid'))
  await meter.record(usage('b'))
  await expect(meter.flush({ timeoutMs: 400 })).rejects.toThrow(
    /2 for "backend".*books of prepaid credit have not seen/s,
  )
  expect(backend.batches).toEqual([])
  await keepBooks(outbox)
  await meter.flush()
  expect(backend.accepted).toEqual(['b'])
})

test('what came before the books began is billed, and all of it once they are removed', async () => {
  const outbox = memoryOutbox()
  const backend = new Backend()
  backend.down = new Error('not yet')
  const { meter } = start(outbox, [backend.sink()])
  await meter.record(usage('before', 'cus_prepaid'))
  await outbox.registerSink(books, { sinceMs: Infinity })
  await outbox.attend(books, 'books')
  await meter.record(usage('after', 'cus_prepaid'))
  backend.down = undefined
  await delays(300)
  expect(backend.accepted).toEqual(['before'])
  await outbox.removeSink(books)
  await meter.flush()
  expect(backend.accepted).toEqual(['before', 'after'])
})

test('sums are of what is not paid for', async () => {
  const outbox = memoryOutbox()
  const sums: UsageRecord[] = []
  const sink: Sink = {
    name: 'backend',
    send: async ({ entries }) => {
      for (const { record } of entries) sums.push(record)
      return entries.map(() => ({ status: 'accepted' }))
    },
  }
  const { meter } = start(outbox, [aggregated(sink, { lingerMs: 0 })])
  await outbox.attend(books, 'books')
  const at = 1_800_000_000_000
  const all = [usage('a', 'cus_prepaid'), usage('b'), usage('c', 'cus_prepaid'), usage('d')].map(
    (one) => ({ ...one, at }),
  )
  await Promise.all(all.map((one) => meter.record(one)))
  await keepBooks(outbox)
  const { sinks } = await meter.flush()
  expect(sums.map(({ customer }) => customer)).not.toContain('cus_prepaid')
  expect(sums.reduce((sum, { tokens }) => sum + tokens.input, 0)).toBe(20)
  expect(sinks['backend']).toMatchObject({ delivered: 2, covered: 2, pending: 0 })
})

test('what waits for the books does not make its backend one that fails', async () => {
  const outbox = memoryOutbox()
  const backend = new Backend()
  await outbox.attend(books, 'books')
  const { meter } = start(outbox, [backend.sink()])
  await meter.record(usage('a', 'cus_prepaid'))
  await delays(350)
  expect((await meter.stats()).sinks['backend']).not.toHaveProperty('failing')
  await keepBooks(outbox)
  await meter.flush()
  expect((await meter.stats()).sinks['backend']).toMatchObject({ covered: 1 })
})
