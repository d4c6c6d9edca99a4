import { aggregated, createMeter, type Outbox, type Sink } from '@token-meter/core'
import { stripeSink } from '@token-meter/stripe'
import { bareClients } from './bare-clients.ts'
import { BenchOutboxes, fill } from './bench-outbox.ts'
import { benchRecords, eventsPerRecord } from './bench-usage.ts'
import { capturedRequests } from './captured-requests.ts'
import type { Figure, FigureOptions } from './figure.ts'
import { measured, type Cost } from './measured.ts'
import { type Receiver, startReceiver } from './receiver/start-receiver.ts'

type Api = 'v1' | 'v2' | 'stream'

/** Records that are delivered, by how many events one request has. */
const recordCounts: Readonly<Record<Api, number>> = { v1: 4000, v2: 4000, stream: 40_000 }

/** How many events a second one process brings from an outbox to Stripe's three ways in. */
export async function deliveryRate({ quick }: FigureOptions): Promise<Figure[]> {
  await using outboxes = new BenchOutboxes()
  using receiver = await startReceiver()
  const kinds = await outboxes.available(['sqlite process', 'postgres'])
  const figures: Figure[] = []
  for (const api of ['v1', 'v2', 'stream'] satisfies Api[]) {
    const count = recordCounts[api] / (quick ? 10 : 1)
    const events = count * eventsPerRecord
    const makeSink = (baseUrl: string) => unlimitedSink(api, baseUrl)
    const requests = await capturedRequests(makeSink, benchRecords(Math.min(count, 8000)))
    const captured = Math.min(count, 8000) * eventsPerRecord
    for (const { name, send } of bareClients) {
      await send(receiver.url, requests.slice(0, 50))
      await receiver.tally()
      const cost = await measured(() => send(receiver.url, requests))
      await check(receiver, captured)
      figures.push(...rates(`${api}: bare ${name}`, captured, cost, 'the same bytes'))
    }
    for (const kind of kinds) {
      const { outbox } = await outboxes.open(kind)
      const cost = await deliver(outbox, makeSink(receiver.url), count)
      await check(receiver, events)
      const note = api === 'stream' && kind === 'sqlite process' ? 'target: 10,000' : ''
      figures.push(...rates(`${api}: from ${kind}`, events, cost, note))
    }
  }
  const count = quick ? 20_000 : 200_000
  for (const kind of kinds) {
    const most = kind === 'postgres' ? count / 4 : count
    for (const maxBatch of [2000, 10_000]) {
      const sink = aggregated(unlimitedSink('stream', receiver.url), { maxBatch })
      const { outbox } = await outboxes.open(kind)
      const cost = await deliver(outbox, sink, most)
      const { events } = await receiver.tally()
      const name = `stream, aggregated by ${maxBatch}: from ${kind}`
      figures.push(...rates(name, most, cost, `records; sent as ${events} events`, 'records/s'))
    }
  }
  return figures
}

/** No pacing: its limits are Stripe's, not the machine's. */
function unlimitedSink(api: Api, baseUrl: string): Sink {
  const rate = { requestsPerSecond: 1e9, ...(api === 'stream' && { eventsPerSecond: 1e9 }) }
  return stripeSink({ apiKey: 'rk_live_bench', baseUrl, api, ...rate })
}

/** Delivers a backlog, and says what that took from the start of the meter to the last settled. */
async function deliver(outbox: Outbox, sink: Sink, count: number): Promise<Cost> {
  await fill(outbox, count, benchRecords)
  let faults = 0
  const cost = await measured(async () => {
    const onError = () => void faults++
    const meter = createMeter({ providers: [], outbox, sinks: [sink], onError })
    await meter.flush({ timeoutMs: 600_000 })
    await meter.close()
  })
  if (faults > 0) throw new Error(`${faults} faults while records were delivered`)
  return cost
}

async function check(receiver: Receiver, expected: number): Promise<void> {
  const { events, duplicates } = await receiver.tally()
  if (events !== expected || duplicates > 0) {
    throw new Error(`${events} events of ${expected} arrived, ${duplicates} of them twice`)
  }
}

function rates(name: string, count: number, cost: Cost, note: string, unit = 'events/s'): Figure[] {
  const row = { group: 'deliver', unit, note }
  return [
    { ...row, name, value: count / cost.seconds },
    { ...row, name: `${name}, per CPU second`, value: count / cost.cpuSeconds },
  ]
}
