import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryOutbox } from '../outbox/memory/memory-outbox.ts'
import { pruneRegularly } from './retention.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const minuteMs = 60_000

test('old records are pruned hourly, and soon after the start, as many processes end before an hour', async () => {
  const prune = vi.fn(() => 0)
  const stop = pruneRegularly({ ...memoryOutbox(), prune }, 1000, () => {})
  expect(prune).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(minuteMs)
  expect(prune).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(120 * minuteMs)
  expect(prune).toHaveBeenCalledTimes(3)
  stop()
  await vi.advanceTimersByTimeAsync(120 * minuteMs)
  expect(prune).toHaveBeenCalledTimes(3)
  expect(vi.getTimerCount()).toBe(0)
})

test('a meter that is closed at once prunes nothing later', async () => {
  const prune = vi.fn(() => 0)
  pruneRegularly({ ...memoryOutbox(), prune }, 1000, () => {})()
  await vi.advanceTimersByTimeAsync(120 * minuteMs)
  expect(prune).not.toHaveBeenCalled()
})

test('a prune that fails is reported, and the next one comes', async () => {
  const errors: unknown[] = []
  const prune = vi.fn(() => Promise.reject(new Error('full')))
  const stop = pruneRegularly({ ...memoryOutbox(), prune }, 1000, (error) => errors.push(error))
  await vi.advanceTimersByTimeAsync(61 * minuteMs)
  expect(errors).toMatchObject([{ code: 'outbox' }, { code: 'outbox' }])
  stop()
})
