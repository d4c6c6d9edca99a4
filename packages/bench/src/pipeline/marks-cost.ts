import { createMeter, type Outbox, type Sink } from '@token-meter/core'
import { stripeSink } from '@token-meter/stripe'
import { BenchOutboxes, fill } from './bench-outbox.ts'
import { benchRecords, eventsPerRecord } from './bench-usage.ts'
import type { Figure, FigureOptions } from './figure.ts'
import { measured, yieldToEventLoop, quantile } from './measured.ts'
import { startReceiver } from './receiver/start-receiver.ts'

/** How often each is measured, in turns: the two are compared within one run. */
const rounds = 5

/** What it costs to mark each request before it goes out: delivery by the stream, with and without. */
export async function marksCost({ quick }: FigureOptions): Promise<Figure[]> {
  await using outboxes = new BenchOutboxes()
  await using receiver = await startReceiver()
  const count = quick ? 6_000 : 30_000
  const figures: Figure[] = []
  for (const kind of await outboxes.available(['sqlite process', 'postgres'])) {
    const rates = { marked: [] as number[], unmarked: [] as number[] }
    const waits = { marked: [] as number[], unmarked: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      for (const how of ['unmarked', 'marked'] as const) {
        const sink = sinkOf(receiver.url, how === 'marked')
        const { outbox } = await outboxes.open(kind)
        await fill(outbox, count, benchRecords)
        const { cpuSeconds } = await measured(() => deliver(outbox, sink))
        const beside = await outboxes.open(kind)
        await fill(beside.outbox, count, benchRecords)
        const micros = await deliverBeside(beside.outbox, sinkOf(receiver.url, how === 'marked'))
        await receiver.tally()
        // Of the clock, what others do on the machine would be most of the difference.
        rates[how].push((count * eventsPerRecord) / cpuSeconds)
        waits[how].push(quantile(micros, 0.99))
      }
    }
    const row = { group: 'marks', note: '' }
    for (const how of ['unmarked', 'marked'] as const) {
      const value = quantile(rates[how], 0.5)
      figures.push({
        ...row,
        unit: 'events/s',
        name: `stream, ${how}: from ${kind}, per CPU second`,
        value,
      })
      const p99 = quantile(waits[how], 0.5)
      figures.push({
        ...row,
        unit: 'µs',
        name: `append p99 beside it, ${how}: ${kind}`,
        value: p99,
      })
    }
  }
  return figures
}

function sinkOf(baseUrl: string, isMarked: boolean): Sink {
  const sink = stripeSink({
    apiKey: 'rk_live_bench',
    baseUrl,
    api: 'stream',
    requestsPerSecond: 1e9,
    eventsPerSecond: 1e9,
  })
  if (isMarked) return sink
  return { ...sink, reportsProgress: false, send: (batch, signal) => sink.send(batch, signal) }
}

async function deliver(outbox: Outbox, sink: Sink): Promise<void> {
  const meter = createMeter({ providers: [], outbox, sinks: [sink], onError: () => {} })
  await meter.flush({ timeoutMs: 600_000 })
  await meter.close()
}

/** Delivers a backlog, and says how long each of the records took that were appended meanwhile. */
async function deliverBeside(outbox: Outbox, sink: Sink): Promise<readonly number[]> {
  const micros: number[] = []
  const meter = createMeter({ providers: [], outbox, sinks: [sink], onError: () => {} })
  let isDone = false
  const delivering = meter.flush({ timeoutMs: 600_000 }).finally(() => (isDone = true))
  for (const record of benchRecords(20_000)) {
    if (isDone) break
    const from = performance.now()
    await outbox.append([record])
    micros.push((performance.now() - from) * 1000)
    for (let turn = 0; turn < 10 && !isDone; turn++) await yieldToEventLoop()
  }
  await delivering
  await meter.close({ timeoutMs: 60_000 })
  return micros
}
