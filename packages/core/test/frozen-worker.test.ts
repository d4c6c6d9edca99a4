import { afterEach, expect, test, vi } from 'vitest'
import { type Outbox, type Sink, type SinkResult, createMeter, memoryOutbox } from '../src/index.ts'
import { attempt } from '../src/delivery/attempt.ts'
import { BatchProgress, LeaseTime } from '../src/delivery/batch-progress.ts'
import { toUsageRecord } from '../src/meter/manual-usage.ts'
import { quick, usage } from './backend.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A backend that forgets ids, as after its window for duplicates: what comes twice is billed twice. */
class Backend {
  readonly billed: string[] = []
}

/** Sends one request a record; before each it waits until it is let go on. */
function slowSink(backend: Backend, go: (place: number) => Promise<void>, reports: boolean): Sink {
  return {
    name: 'slow',
    reportsProgress: reports,
    async send({ entries }, _signal, progress) {
      const results: SinkResult[] = []
      for (const [place, { record }] of entries.entries()) {
        try {
          const request = await progress?.sending([{ recordIds: [record.id] }])
          await go(place)
          request?.check()
          backend.billed.push(record.id)
          results.push({ status: 'accepted' })
          request?.over([{ recordId: record.id, result: { status: 'accepted' } }])
        } catch (error) {
          results.push({ status: 'retry', reason: String(error) })
        }
      }
      return results
    },
  }
}

function start(outbox: Outbox, sink: Sink) {
  const kept = { ...outbox, close: () => {} }
  const delivery = { ...quick, leaseMs: 5000, sendTimeoutMs: 4000 }
  return createMeter({ providers: [], outbox: kept, sinks: [sink], delivery, onError: () => {} })
}

test.each(['wall', 'monotonic'] as const)(
  'a worker that stood still past its lease sends nothing more (%s clock)',
  async (clock) => {
    let nowMs = 1_000_000
    const outbox = memoryOutbox({ now: () => nowMs })
    const backend = new Backend()
    const frozen = Promise.withResolvers<void>()
    let isAtThird = false
    const go = async (place: number) => {
      if (place < 2) return
      isAtThird = true
      await frozen.promise
    }
    const slow = start(outbox, slowSink(backend, go, true))
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => slow.record(usage(id))))
    await vi.waitFor(() => expect(isAtThird).toBe(true))
    // The machine sleeps for two days. Meanwhile another worker has what is left.
    const pastMs = 48 * 3_600_000
    nowMs += pastMs
    const other = start(
      outbox,
      slowSink(backend, async () => {}, true),
    )
    await other.flush()
    await other.close()
    const billed = ['a', 'b', 'c', 'd', 'e']
    expect(backend.billed).toEqual(billed)
    const real = { wall: Date.now(), monotonic: performance.now() }
    if (clock === 'wall') vi.spyOn(Date, 'now').mockReturnValue(real.wall + pastMs)
    else vi.spyOn(performance, 'now').mockReturnValue(real.monotonic + pastMs)
    frozen.resolve()
    await new Promise((resolve) => setTimeout(resolve, 50))
    vi.restoreAllMocks()
    expect(backend.billed).toEqual(billed)
    await slow.close()
    expect(await outbox.stats('slow')).toMatchObject({ delivered: 5, pending: 0 })
  },
)

test('a sink that reports nothing is not called again after the lease', async () => {
  let sends = 0
  const sink: Sink = {
    name: 'plain',
    send: async ({ entries }) => {
      sends++
      // The machine sleeps while the backend refuses: a repetition would come days later.
      const laterMs = Date.now() + 48 * 3_600_000
      vi.spyOn(Date, 'now').mockReturnValue(laterMs)
      return entries.map(() => ({ status: 'retry', reason: 'busy' }))
    },
  }
  const outbox = memoryOutbox()
  await outbox.append([toUsageRecord(usage('a'))])
  const lease = new LeaseTime(5000)
  const batch = await outbox.claim('plain', { limit: 10, leaseMs: 5000 })
  if (batch === undefined) throw new Error('nothing to claim')
  const { signal } = new AbortController()
  const progress = new BatchProgress(sink, { outbox, batch, lease, signal, ended: () => {} })
  const results = await attempt(sink, batch, { ...quick, progress, signal })
  expect(sends).toBe(1)
  expect(results).toMatchObject([{ status: 'retry' }])
  expect(results[0]).not.toHaveProperty('uncertain')
})
