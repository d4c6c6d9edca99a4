import { aggregated, createMeter, memoryOutbox, type Outbox, type Sink } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { startFakeStripe } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { stripeSink } from '../src/index.ts'
import { billedSums, expectedSums, recordsOf } from './recorded.ts'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { spawnDelivery } from './spawn-delivery.ts'

const hourMs = 60 * 60_000

async function start(outbox: Outbox, wrap: (sink: Sink) => Sink) {
  const stripe = await startFakeStripe()
  const { apiKey, url: baseUrl } = stripe
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [wrap(stripeSink({ apiKey, baseUrl }))],
    delivery: { lingerMs: 1, pollMs: 20 },
  })
  onTestFinished(async () => {
    await meter.close()
    await stripe.close()
  })
  return { stripe, meter }
}

test.each([
  ['memory', () => memoryOutbox()],
  ['sqlite', () => sqliteOutbox(temporaryFile())],
])('10,000 records of 20 customers are few events with exact sums (%s)', async (_, makeOutbox) => {
  const outbox = makeOutbox()
  const records = recordsOf(20, 10_000)
  await outbox.append(records)
  const { stripe, meter } = await start(outbox, (sink) =>
    aggregated(sink, { windowMs: hourMs, maxBatch: 5000 }),
  )
  const { sinks } = await meter.flush()
  expect(sinks['stripe']).toMatchObject({ delivered: 10_000, pending: 0, dead: 0 })
  // Two batches of 20 customers with three token types each, and the hour may end in between.
  expect(stripe.meterEvents.length).toBeLessThanOrEqual(2 * 20 * 3 * 2)
  expect(stripe.requests).toHaveLength(stripe.meterEvents.length)
  expect(billedSums(stripe)).toEqual(expectedSums(records))
})

test('a sum has the time, the model and the attributes of its records, never of its sending', async () => {
  const outbox = memoryOutbox()
  const at = Date.now() - hourMs
  const windowStart = at - (at % 60_000)
  const [a, b, c, other] = recordsOf(1, 4)
  if (a === undefined || b === undefined || c === undefined || other === undefined) throw Error()
  await outbox.append([
    { ...a, at: windowStart + 5 },
    { ...b, at: windowStart + 40_000 },
    { ...c, at: windowStart + 60_000 },
    { ...other, at: windowStart + 5, attributes: { feature: 'chat' } },
  ])
  const { stripe, meter } = await start(outbox, (sink) => aggregated(sink))
  await meter.flush()
  const inputs = stripe.meterEvents.filter(({ payload }) => payload['token_type'] === 'input')
  const seen = inputs.map(({ timestamp, payload }) => [
    (timestamp ?? 0) - windowStart,
    payload['feature'],
    payload['value'],
    payload['model'],
  ])
  expect(seen.toSorted((x, y) => String(x).localeCompare(String(y)))).toEqual([
    [40_000, 'search', String(a.tokens.input + b.tokens.input), 'openai/gpt-5.4'],
    [5, 'chat', String(other.tokens.input), 'openai/gpt-5.4'],
    [60_000, 'search', String(c.tokens.input), 'openai/gpt-5.4'],
  ])
})

test('killed in the middle, and once more: every token is billed once', async () => {
  const file = temporaryFile()
  const outbox = sqliteOutbox(file)
  const records = recordsOf(30, 3000)
  await outbox.append(records)
  const stripe = await startFakeStripe({ latencyMs: 5 })
  onTestFinished(() => stripe.close())
  for (const kills of [1, 2]) {
    const before = stripe.requests.length
    const child = spawnDelivery(file, stripe, 'aggregated')
    await expect
      .poll(() => stripe.requests.length, { interval: 2, timeout: 10_000 })
      .toBeGreaterThan(before + 20 * kills)
    child.kill()
    expect(await child.ended).toBe('SIGKILL')
  }
  const { pending } = await outbox.stats('stripe')
  expect(pending).toBeGreaterThan(0)
  expect(await spawnDelivery(file, stripe, 'aggregated').ended).toBe(0)
  expect(await outbox.stats('stripe')).toMatchObject({ delivered: 3000, pending: 0, dead: 0 })
  expect(billedSums(stripe)).toEqual(expectedSums(records))
  const identifiers = stripe.meterEvents.map(({ identifier }) => identifier)
  expect(new Set(identifiers).size).toBe(identifiers.length)
  await outbox.close()
})

test('numbers that would not fit together go alone', async () => {
  const outbox = memoryOutbox()
  const largest = 999_999_999_999_999
  const tokens = { input: largest, cachedInput: 0, cachedWrite: 0, output: 0 }
  await outbox.append([
    ...recordsOf(1, 4),
    ...recordsOf(1, 2, { tokens }).map((record) => ({ ...record, id: `large ${record.id}` })),
  ])
  const { stripe, meter } = await start(outbox, (sink) => aggregated(sink, { windowMs: hourMs }))
  await meter.flush()
  const values = stripe.meterEvents.map(({ payload }) => Number(payload['value']))
  expect(values.filter((value) => value === largest)).toHaveLength(2)
  expect((await meter.stats()).sinks['stripe']).toMatchObject({ delivered: 6, dead: 0 })
})

test('a sum that is refused makes dead letters of its records, which are billed once when requeued', async () => {
  const outbox = memoryOutbox()
  const records = recordsOf(2, 40)
  await outbox.append(records)
  const { stripe, meter } = await start(outbox, (sink) => aggregated(sink, { windowMs: hourMs }))
  stripe.failWith(
    { status: 400, body: { error: { code: 'no_meter', message: 'No meter.' } } },
    { times: 1, matching: '"token_type":"output"' },
  )
  await meter.flush()
  const dead = await outbox.deadLetters('stripe')
  expect(dead).toHaveLength(20)
  expect(dead[0]?.reason).toMatch(/output: Stripe refused it \(400 no_meter\)/)
  // One alone, and then the others.
  expect(await outbox.requeue('stripe', [dead[0]?.record.id ?? ''])).toBe(1)
  await meter.flush()
  await outbox.requeue('stripe')
  await meter.flush()
  expect(billedSums(stripe)).toEqual(expectedSums(records))
})

test('an async function gets sums too', async () => {
  const outbox = memoryOutbox()
  await outbox.append(recordsOf(3, 300))
  const got: string[] = []
  async function warehouse(sums: readonly { customer: string | null }[]) {
    got.push(...sums.map(({ customer }) => String(customer)))
  }
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [aggregated(warehouse, { windowMs: hourMs })],
  })
  expect((await meter.flush()).sinks['warehouse']).toMatchObject({ delivered: 300 })
  expect(new Set(got)).toEqual(new Set(['cus_0', 'cus_1', 'cus_2']))
  expect(got.length).toBeLessThanOrEqual(6)
  await meter.close()
})

test.each([{ windowMs: 0 }, { lingerMs: -1 }, { maxBatch: 10_001 }, { windowMs: '60' }])(
  '%j is refused',
  (options) => {
    const make = () => aggregated({ name: 's', send: async () => [] }, options as never)
    expect(make).toThrow(expect.objectContaining({ code: 'config' }))
  },
)
