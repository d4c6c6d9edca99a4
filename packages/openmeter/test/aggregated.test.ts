import { aggregated, createMeter, memoryOutbox } from '@token-meter/core'
import { recordsOf, startFakeOpenMeter } from '@token-meter/testkit'
import { billedTotals, expectedTotals } from '@token-meter/testkit/internal/suites'
import { expect, onTestFinished, test } from 'vitest'
import { openMeterSink, type EventsOption } from '../src/index.ts'

const hourMs = 60 * 60_000
const cost = {
  currency: 'USD',
  provider: '0.0000001',
  billed: '0.000000123',
  source: 'prices',
} as const

async function start(events: EventsOption) {
  const fake = await startFakeOpenMeter()
  const { apiKey, url } = fake
  const outbox = memoryOutbox()
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [aggregated(openMeterSink({ apiKey, url, events }), { windowMs: hourMs })],
    delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 1, maxMs: 10 } },
    onError: () => {},
  })
  onTestFinished(async () => {
    await meter.close()
    await fake.close()
  })
  return { fake, outbox, meter }
}

test.each([
  ['per-token-type', 4],
  ['per-record', 1],
] as const)(
  '%s: thousands of records are few events, with exact sums and costs',
  async (events, most) => {
    const { fake, outbox, meter } = await start(events)
    const records = recordsOf(3000, { cost })
    await outbox.append(records)
    // The first request arrives, and its answer is lost: the sums must keep their ids.
    fake.failWith({ connection: 'reset', processed: true })
    const { sinks } = await meter.flush()
    expect(sinks['openmeter']).toMatchObject({ delivered: 3000, pending: 0, dead: 0 })
    // Two batches, and the hour may end in between.
    expect(fake.events.length).toBeLessThanOrEqual(2 * 2 * most)
    expect(fake.duplicates()).toBeGreaterThan(0)
    expect(billedTotals(fake.billed())).toEqual(expectedTotals(records))
    expect(fake.costs()).toEqual([{ customer: 'cus_1', model: 'openai/gpt-5.4', cost: '0.000369' }])
  },
)
