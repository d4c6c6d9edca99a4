import { aggregated, createMeter, type Meter, type Outbox, type Sink } from '@token-meter/core'
import { stripeSink } from '@token-meter/stripe'
import { BenchOutboxes, type OutboxKind } from './bench-outbox.ts'
import { benchRecords, benchUsage } from './bench-usage.ts'
import type { Figure, FigureOptions } from './figure.ts'
import { measured, yieldToEventLoop, type Cost } from './measured.ts'
import { startReceiver } from './receiver/start-receiver.ts'

const kinds: readonly OutboxKind[] = ['memory', 'sqlite process', 'sqlite group']

/** How many usage records a second one process takes in, alone and while it delivers their sums. */
export async function recordingRate({ quick }: FigureOptions): Promise<Figure[]> {
  const count = quick ? 20_000 : 200_000
  await using outboxes = new BenchOutboxes()
  const open = async (kind: OutboxKind) => (await outboxes.open(kind)).outbox
  const figures: Figure[] = []

  for (const kind of kinds) {
    const most = kind === 'sqlite group' ? count : count / 4
    await recordAll(await open(kind), [], most / 10)
    const { recording } = await recordAll(await open(kind), [], most)
    figures.push(...rates(`meter.record(), ${kind}`, most, recording, 'no sink'))
  }

  const bare = await open('sqlite group')
  const appending = await measured(() => appendAll(bare, count))
  figures.push(
    ...rates(
      'outbox.append() alone, sqlite group',
      count,
      appending,
      'no meter; makes the records too',
    ),
  )

  using receiver = await startReceiver()
  const sink = aggregated(
    stripeSink({ apiKey: 'rk_live_bench', baseUrl: receiver.url, api: 'stream' }),
    { maxBatch: 10_000 },
  )
  const { recording, all } = await recordAll(await open('sqlite group'), [sink], count)
  const { events } = await receiver.tally()
  const note = `target 200,000; aggregated, sums of 10,000: ${events} events for ${count} records`
  figures.push(
    ...rates('absorbed, sqlite group, aggregated', count, recording, note),
    ...rates('absorbed and delivered, aggregated', count, all, 'until flush() has resolved'),
  )
  return figures
}

function rates(name: string, records: number, cost: Cost, note: string): Figure[] {
  const row = { group: 'record', unit: 'records/s', note }
  return [
    { ...row, name, value: records / cost.seconds },
    { ...row, name: `${name}, per CPU second`, value: records / cost.cpuSeconds },
  ]
}

/** Records usage with a meter, and says what it took up to the last record and up to the end. */
async function recordAll(
  outbox: Outbox,
  sinks: readonly Sink[],
  count: number,
): Promise<{ recording: Cost; all: Cost }> {
  const meter = createMeter({ providers: [], outbox, sinks, onError: rethrow })
  let recording: Cost | undefined
  const all = await measured(async () => {
    recording = await measured(() => record(meter, count))
    await meter.flush({ timeoutMs: 600_000 })
  })
  const { recorded } = await meter.stats()
  await meter.close()
  if (recording === undefined || recorded !== count) {
    throw new Error(`${recorded} of ${count} records were kept`)
  }
  return { recording, all }
}

/** A server handles some calls in one turn, and then others have theirs. */
const perTurn = 100

async function record(meter: Meter, count: number): Promise<void> {
  for (let done = 0; done < count; done += perTurn) {
    const at = Date.now()
    const turn = Array.from({ length: perTurn }, (_, index) =>
      meter.record(benchUsage(done + index, at)),
    )
    await Promise.all(turn)
    await yieldToEventLoop()
  }
}

async function appendAll(outbox: Outbox, count: number): Promise<void> {
  for (let done = 0; done < count; done += perTurn) {
    for (const one of benchRecords(perTurn, done)) await outbox.append([one])
    await yieldToEventLoop()
  }
  const recorded = await outbox.recorded()
  if (recorded !== count) throw new Error(`${recorded} of ${count} records were kept`)
}

function rethrow(error: Error): never {
  // Nothing goes wrong in a benchmark; if it does, the figures mean nothing.
  process.exitCode = 1
  console.warn(error)
  throw error
}
