import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answerWithin } from './answer-within.ts'

const never = new AbortController().signal
const silence = () => new Promise<never>(() => {})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('an answer in time is the answer, and no timer is left', async () => {
  expect(await answerWithin(100, never, async () => 'yes')).toBe('yes')
  await expect(answerWithin(100, never, () => Promise.reject(new Error('no')))).rejects.toThrow(
    'no',
  )
  expect(vi.getTimerCount()).toBe(0)
})

test('the time ends the wait, also for a request that does not heed its signal', async () => {
  let own: AbortSignal = never
  const waiting = answerWithin(100, never, (signal) => {
    own = signal
    return silence()
  })
  const ended = expect(waiting).rejects.toThrow('not within 100 ms')
  await vi.advanceTimersByTimeAsync(99)
  expect(own.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await ended
  expect(own.aborted).toBe(true)
})

test("the caller's abort ends it, and nothing is left on its signal", async () => {
  const controller = new AbortController()
  const removed = vi.spyOn(controller.signal, 'removeEventListener')
  const waiting = answerWithin(100, controller.signal, silence)
  controller.abort(new Error('closing'))
  await expect(waiting).rejects.toThrow('closing')
  expect(removed).toHaveBeenCalledTimes(1)
  expect(vi.getTimerCount()).toBe(0)
  const request = vi.fn(silence)
  await expect(answerWithin(100, controller.signal, request)).rejects.toThrow('closing')
  expect(request).not.toHaveBeenCalled()
})

test('a time beyond what a timer takes is as long as it takes', async () => {
  const done = vi.fn()
  void answerWithin(2 ** 40, never, silence).catch(done)
  await vi.advanceTimersByTimeAsync(1000)
  expect(done).not.toHaveBeenCalled()
})
