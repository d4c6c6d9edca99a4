import { aggregated, createMeter, memoryOutbox, type Outbox, type Sink } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { exampleRecord, startFakeStripe } from '@token-meter/testkit'
import { nanoToUsd, recordedCalls } from '@token-meter/testkit/internal'
import type { Fault } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { stripeSink, type StripeSinkOptions } from '../src/index.ts'
import { billedAmounts, costOf } from './priced.ts'
import { recordingsAreAbsent, temporaryFile } from '@token-meter/testkit/internal/suites'

const isAbsent = recordingsAreAbsent()

const calls = recordedCalls()

function expectedNano(): Record<string, bigint> {
  const totals: Record<string, bigint> = {}
  for (const { customer, nanoUsd } of calls) {
    if (nanoUsd > 0n) totals[customer] = (totals[customer] ?? 0n) + nanoUsd
  }
  return totals
}

function records() {
  return calls.map(({ nanoUsd, ...call }, index) =>
    exampleRecord({
      ...call,
      id: `r${index}`,
      attributes: {},
      at: Date.now(),
      ...costOf(nanoToUsd(nanoUsd)),
    }),
  )
}

async function bill(
  options: Omit<StripeSinkOptions, 'apiKey'>,
  {
    outbox = memoryOutbox(),
    faults = [],
    around = (sink) => sink,
  }: {
    readonly outbox?: Outbox
    readonly faults?: readonly Fault[]
    readonly around?: (sink: Sink) => Sink
  } = {},
) {
  const fake = await startFakeStripe()
  onTestFinished(() => fake.close())
  for (const [index, fault] of faults.entries()) fake.failWith(fault, { skip: index % 3, times: 2 })
  const { apiKey, url: baseUrl } = fake
  const sink = stripeSink({ apiKey, baseUrl, timeoutMs: 300, value: 'cost', ...options })
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [around(sink)],
    delivery: { lingerMs: 1, pollMs: 10, backoff: { baseMs: 5, maxMs: 20 } },
    onError: () => {},
  })
  await outbox.append(records())
  const { sinks } = await meter.flush({ timeoutMs: 20_000 })
  expect(sinks['stripe']).toMatchObject({ delivered: calls.length, pending: 0, dead: 0 })
  await meter.close()
  return fake
}

/** As whole micro-dollars of all records differ from the exact amounts, in nano-dollars. */
function differences(billed: Record<string, bigint>): readonly bigint[] {
  return Object.entries(expectedNano()).map(([customer, nano]) => {
    return (billed[customer] ?? 0n) * 1000n - nano
  })
}

const faults: readonly Fault[] = [
  { status: 429, headers: { 'retry-after': '0.01' } },
  { status: 500, processed: true },
  { status: 503 },
  { connection: 'reset', processed: true },
  { connection: 'reset' },
  { connection: 'hang', processed: true },
  { status: 200, body: '<html>', processed: true },
  { status: 409 },
]

for (const api of isAbsent ? [] : (['v1', 'v2', 'stream'] as const)) {
  test(`${api}: every recorded call is billed to the nano-dollar`, async () => {
    const fake = await bill({ api, costUnit: 'nano-usd' })
    expect(calls.length).toBeGreaterThan(20)
    expect(billedAmounts(fake)).toEqual(expectedNano())
  })

  test(`${api}: the same through every fault`, async () => {
    const outbox = sqliteOutbox(temporaryFile())
    const fake = await bill({ api, costUnit: 'nano-usd' }, { outbox, faults })
    expect(billedAmounts(fake)).toEqual(expectedNano())
    expect(fake.requests.some(({ status }) => status !== 200)).toBe(true)
  })

  test(`${api}: in micro-dollars, within half of one for each record`, async () => {
    const fake = await bill({ api })
    const mostRecords = BigInt(Math.ceil(calls.length / 3))
    for (const difference of differences(billedAmounts(fake))) {
      expect(difference).toBeLessThanOrEqual(500n * mostRecords)
      expect(difference).toBeGreaterThanOrEqual(-500n * mostRecords)
    }
    // That is rounded at all, so that the bound above says something.
    expect(differences(billedAmounts(fake))).not.toEqual([0n, 0n, 0n])
    for (const { identifier, payload } of fake.meterEvents) {
      const { nanoUsd = 0n } = calls[Number(identifier?.slice(1, -5))] ?? {}
      expect(BigInt(payload['value'] ?? '')).toBe((nanoUsd + 500n) / 1000n)
    }
  })

  test(`${api}: aggregated, exact through every fault`, async () => {
    const around = (sink: Sink) => aggregated(sink, { windowMs: 60 * 60_000 })
    const fake = await bill({ api, costUnit: 'nano-usd' }, { around, faults })
    expect(billedAmounts(fake)).toEqual(expectedNano())
    expect(fake.meterEvents.length).toBeLessThan(calls.length)
  })
}
