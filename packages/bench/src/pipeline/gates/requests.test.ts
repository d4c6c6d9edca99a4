import { aggregated, createMeter, memoryOutbox, type Sink } from '@token-meter/core'
import { stripeSink } from '@token-meter/stripe'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { benchRecords, eventsPerRecord } from '../bench-usage.ts'
import { type Receiver, startReceiver } from '../receiver/start-receiver.ts'
import type { Tally } from '../receiver/tally.ts'

/** How many requests a backlog takes: what delivery costs the backend and the network. */
let receiver: Receiver
const count = 2000

beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver[Symbol.dispose]())

async function delivered(sink: Sink): Promise<Tally> {
  const outbox = memoryOutbox()
  const at = 1e6 * Math.floor(Date.now() / 1e6) - 1000
  await outbox.append(benchRecords(count).map((record) => ({ ...record, at })))
  const meter = createMeter({ providers: [], outbox, sinks: [sink] })
  await meter.flush()
  await meter.close()
  return await receiver.tally()
}

const stream = () =>
  stripeSink({
    apiKey: 'rk_live_gate',
    baseUrl: receiver.url,
    api: 'stream',
    eventsPerSecond: 1e6,
    requestsPerSecond: 1e6,
  })

test('the stream takes a hundred events a request', async () => {
  const events = count * eventsPerRecord
  const got = await delivered(stream())
  expect(got).toEqual({ requests: events / 100, events, duplicates: 0 })
})

test('sums take an event for each customer, model and type of token', async () => {
  // 50 customers, each with all of 3 models.
  const events = 50 * 3 * eventsPerRecord
  const got = await delivered(aggregated(stream(), { maxBatch: count }))
  expect(got).toEqual({ requests: Math.ceil(events / 100), events, duplicates: 0 })
})
