import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createMeter, memoryOutbox, type Outbox, type Sink } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { exampleRecord, startFakeStripe } from '@token-meter/testkit'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { stripeSink } from '../src/index.ts'

const hourMs = 60 * 60_000
const dayMs = 24 * hourMs
const megabyte = 1024 * 1024
const perHour = 180
const recorded = 7 * 24 * perHour

afterEach(() => void vi.useRealTimers())

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** Refuses every connection, so that certainly nothing arrives. */
const down: Sink = {
  name: 'stripe',
  send: async ({ entries }) => entries.map(() => ({ status: 'retry', reason: 'ECONNREFUSED' })),
}

const record = () =>
  exampleRecord({
    customer: `cus_${Math.floor(Math.random() * 20)}`,
    at: Date.now(),
    tokens: { input: 7, cachedInput: 0, cachedWrite: 0, output: 0 },
  })

/** A week of records while Stripe is down, by a clock that ends now. */
async function outage(outbox: Outbox, atEndOfDay: (day: number) => void): Promise<void> {
  vi.useFakeTimers({
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
    now: Date.now() - 7 * dayMs,
  })
  const meter = createMeter({
    providers: [],
    outbox: { ...outbox, close: () => {} },
    sinks: [down],
    delivery: { backoff: { baseMs: 1000, maxMs: hourMs } },
  })
  for (let hour = 1; hour <= 7 * 24; hour++) {
    await outbox.append(Array.from({ length: perHour }, record))
    await vi.advanceTimersByTimeAsync(hourMs)
    if (hour % 24 === 0) atEndOfDay(hour / 24)
  }
  const closing = meter.close({ timeoutMs: 100 }).catch(() => {})
  await vi.advanceTimersByTimeAsync(10_000)
  await closing
  vi.useRealTimers()
}

/** Delivers everything by the stream, and returns how it went. */
async function recovery(outbox: Outbox) {
  const stripe = await startFakeStripe({ requestsPerSecond: 600 })
  onTestFinished(() => stripe.close())
  const { apiKey, url: baseUrl } = stripe
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [stripeSink({ apiKey, baseUrl, api: 'stream', requestsPerSecond: 500 })],
  })
  const began = performance.now()
  const { sinks } = await meter.flush({ timeoutMs: 60_000 })
  const seconds = (performance.now() - began) / 1000
  await meter.close()
  const refused = stripe.requests.filter(({ status }) => status === 429).length
  const billed = stripe.billed().reduce((sum, { value }) => sum + value, 0)
  return { stats: sinks['stripe'], refused, billed, perSecond: recorded / seconds }
}

const drained = { refused: 0, billed: 7 * recorded, stats: { delivered: recorded, pending: 0 } }

test('a week without Stripe on a file: the heap is flat, the disk linear, and recovery fast', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-outage-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const outbox = sqliteOutbox(join(folder, 'usage.db'))
  const heap: number[] = []
  const disk: number[] = []
  await outage(outbox, () => {
    heap.push(heapBytes())
    disk.push(readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0))
  })
  const [firstDay = 0, lastDay = 0] = [heap[0], heap.at(-1)]
  expect(lastDay - firstDay).toBeLessThan(4 * megabyte)
  const [third = 0, sixth = 0] = [disk[2], disk[5]]
  expect(sixth).toBeGreaterThan(15 * megabyte)
  expect(sixth / third).toBeGreaterThan(1.5)
  expect(sixth / third).toBeLessThan(2.5)
  const result = await recovery(outbox)
  console.log(`recovered ${Math.round(result.perSecond)} records/s from SQLite`)
  expect(result).toMatchObject(drained)
}, 120_000)

test('a week without Stripe in memory: nothing is lost within the bound', async () => {
  const outbox = memoryOutbox({ maxBytes: 256 * megabyte })
  await outage(outbox, () => {})
  expect(await recovery(outbox)).toMatchObject(drained)
}, 120_000)
