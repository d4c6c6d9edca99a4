import { createMeter, memoryOutbox, type Outbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { startFakeOpenMeter, type Fault } from '@token-meter/testkit'
import { recordedCalls } from '@token-meter/testkit/internal'
import { expect, onTestFinished, test } from 'vitest'
import { openMeterSink, type EventsOption } from '../src/index.ts'
import {
  billedTotals,
  expectedTotals,
  recordingsAreAbsent,
  temporaryFile,
} from '@token-meter/testkit/internal/suites'

const isAbsent = recordingsAreAbsent()
const usages = recordedCalls()

/** Records everything in a meter whose requests carry few events, so that there are many. */
async function run(outbox: Outbox, events: EventsOption, faults: readonly Fault[] = []) {
  const fake = await startFakeOpenMeter()
  const { apiKey, url } = fake
  const sink = openMeterSink({ apiKey, url, events, timeoutMs: faults.length > 0 ? 200 : 10_000 })
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [{ ...sink, maxBatch: 5, maxConcurrentBatches: 2 }],
    delivery: { lingerMs: 0, pollMs: 10, backoff: { baseMs: 1, maxMs: 10 } },
    onError: () => {},
  })
  onTestFinished(async () => {
    await meter.close()
    await fake.close()
  })
  for (const [index, fault] of faults.entries()) fake.failWith(fault, { skip: index % 3, times: 2 })
  for (const { nanoUsd: _, ...usage } of usages) await meter.record(usage)
  const { sinks } = await meter.flush({ timeoutMs: 20_000 })
  return { fake, stats: sinks['openmeter'] }
}

const faults: readonly Fault[] = [
  { status: 429, headers: { 'retry-after': '0' } },
  { status: 500 },
  { status: 500, processed: true },
  { connection: 'reset' },
  { connection: 'reset', processed: true },
  { connection: 'hang' },
  { connection: 'hang', processed: true },
  { status: 200, body: 'oops', processed: true },
  { status: 503, processed: true },
]

for (const events of isAbsent ? [] : (['per-token-type', 'per-record'] as const)) {
  test(`${events}: every recorded token, by customer, model and type`, async () => {
    const { fake, stats } = await run(memoryOutbox(), events)
    expect(usages.length).toBeGreaterThan(20)
    expect(stats).toMatchObject({ delivered: usages.length, pending: 0, dead: 0 })
    expect(billedTotals(fake.billed())).toEqual(expectedTotals(usages))
    expect(fake.duplicates()).toBe(0)
  })

  test(`${events}: the same through every fault`, async () => {
    const { fake, stats } = await run(sqliteOutbox(temporaryFile()), events, faults)
    expect(stats).toMatchObject({ delivered: usages.length, pending: 0, dead: 0 })
    expect(billedTotals(fake.billed())).toEqual(expectedTotals(usages))
    // The faults were real: some of it came twice.
    expect(fake.duplicates()).toBeGreaterThan(0)
  })
}
