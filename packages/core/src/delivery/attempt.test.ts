import { exampleRecord } from '@token-meter/testkit/suites'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryOutbox } from '../outbox/memory/memory-outbox.ts'
import type { Sink } from '../sink/sink.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import { attempt } from './attempt.ts'
import { BatchProgress, LeaseTime } from './batch-progress.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  // The middle of what is random: waits of 150 ms, and then of 300 ms.
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const refused: SinkResult = { status: 'retry', reason: 'busy' }

/** Attempts a batch of one record at a sink that answers the same each time. */
async function start(answer: (controller: AbortController) => SinkResult, leaseMs = 60_000) {
  const outbox = memoryOutbox()
  await outbox.append([exampleRecord()])
  const lease = new LeaseTime(leaseMs)
  const batch = await outbox.claim('backend', { limit: 10, leaseMs })
  if (batch === undefined) throw new Error('nothing to claim')
  const sentAt: number[] = []
  const begunAt = performance.now()
  const controller = new AbortController()
  const sink: Sink = {
    name: 'backend',
    send: async () => {
      sentAt.push(performance.now() - begunAt)
      return [answer(controller)]
    },
  }
  const { signal } = controller
  const progress = new BatchProgress(sink, { outbox, batch, lease, signal, ended: () => {} })
  const backoff = { baseMs: 1000, maxMs: 60_000 }
  const results = attempt(sink, batch, { backoff, progress, signal })
  return { results, sentAt, controller }
}

test('a batch of which nothing was taken is sent again after waits that grow, three times in all', async () => {
  const { results, sentAt } = await start(() => refused)
  await vi.runAllTimersAsync()
  expect(sentAt).toEqual([0, 150, 450])
  expect(await results).toMatchObject([refused])
})

test('a sink that throws is asked again, and what it takes then is taken', async () => {
  const answers = [refused, { status: 'accepted' } as const]
  const { results, sentAt } = await start(() => {
    if (sentAt.length === 1) throw new Error('no route')
    return answers.shift() as SinkResult
  })
  await vi.runAllTimersAsync()
  expect(sentAt).toHaveLength(3)
  expect(await results).toMatchObject([{ status: 'accepted' }])
})

test('a backend that says when is not asked before', async () => {
  const { results, sentAt } = await start(() => ({ ...refused, afterMs: 30_000 }))
  expect(await results).toMatchObject([{ ...refused, afterMs: 30_000 }])
  expect(sentAt).toEqual([0])
  expect(vi.getTimerCount()).toBe(0)
})

test('a wait ends at once with the signal', async () => {
  const { results, sentAt, controller } = await start(() => refused)
  await vi.advanceTimersByTimeAsync(100)
  controller.abort(new Error('the meter was closed'))
  const reason = 'the sink "backend" was given up: the meter was closed'
  expect(await results).toMatchObject([{ status: 'retry', reason }])
  expect(sentAt).toEqual([0])
  expect(vi.getTimerCount()).toBe(0)
})

test('what a sink took before it was told to stop is taken, and not sent again', async () => {
  const { results } = await start((controller) => {
    controller.abort(new Error('the meter was closed'))
    return { status: 'accepted' }
  })
  expect(await results).toMatchObject([{ status: 'accepted' }])
})

test('a wait keeps no process alive', async () => {
  const started = vi.spyOn(globalThis, 'setTimeout')
  const { results } = await start(() => refused)
  await vi.advanceTimersByTimeAsync(0)
  expect(started.mock.calls.map(([, ms]) => ms)).toContain(150)
  const timers = started.mock.results.map(({ value }) => value as NodeJS.Timeout)
  expect(timers.filter((timer) => timer.hasRef())).toEqual([])
  await vi.runAllTimersAsync()
  await results
})

test('nothing is sent again, nor waited for, once the claim is over', async () => {
  const { results, sentAt } = await start(() => refused, 100)
  await vi.advanceTimersByTimeAsync(150)
  expect(vi.getTimerCount()).toBe(0)
  expect(await results).toMatchObject([{ status: 'retry' }])
  expect(sentAt).toEqual([0])
})

test('a clock that is set back stretches no wait', async () => {
  const { results, sentAt } = await start(() => refused)
  await vi.advanceTimersByTimeAsync(100)
  vi.setSystemTime(Date.now() - 3_600_000)
  await vi.advanceTimersByTimeAsync(350)
  expect(sentAt).toEqual([0, 150, 450])
  await results
})
