import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createRate } from './rate.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const never = new AbortController().signal

async function countIn(ms: number, requestsPerSecond: number, wanted: number): Promise<number> {
  const next = createRate({ perSecond: requestsPerSecond, now: Date.now })
  let count = 0
  for (let index = 0; index < wanted; index++) void next(never).then(() => count++)
  await vi.advanceTimersByTimeAsync(ms)
  return count
}

test.each([
  [1, 3000, 4],
  [25, 1000, 28],
  [900, 1000, 991],
])('%i a second lets %i ms see about %i', async (requestsPerSecond, ms, atMost) => {
  const count = await countIn(ms, requestsPerSecond, 2000)
  expect(count).toBeLessThanOrEqual(atMost)
  expect(count).toBeGreaterThanOrEqual((requestsPerSecond * ms) / 1000)
})

test('without a limit nothing waits', async () => {
  expect(await countIn(0, Infinity, 1000)).toBe(1000)
})

test('waiting ends when the signal is aborted', async () => {
  const next = createRate({ perSecond: 1, now: Date.now })
  await next(never)
  const controller = new AbortController()
  const waiting = next(controller.signal)
  controller.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(vi.getTimerCount()).toBe(0)
})

test('what goes together goes at once after a quiet time, and the rest at the rate', async () => {
  const next = createRate({ perSecond: 100, now: Date.now })
  const start = Date.now()
  const went: number[] = []
  for (let turn = 0; turn < 3; turn++) {
    void next(never, 100, 100).then(() => went.push(Date.now() - start))
  }
  await vi.advanceTimersByTimeAsync(5000)
  expect(went).toEqual([0, 1000, 2000])
})

test('a share slows it down', async () => {
  const next = createRate({ perSecond: 100, share: () => 0.5, now: Date.now })
  const start = Date.now()
  const went: number[] = []
  for (let turn = 0; turn < 3; turn++)
    void next(never, 10).then(() => went.push(Date.now() - start))
  await vi.advanceTimersByTimeAsync(5000)
  expect(went).toEqual([100, 300, 500])
})
