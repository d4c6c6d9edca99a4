import { expect, test, vi } from 'vitest'
import { untilAborted } from './until-aborted.ts'

test('work that ends in time is what it answers, and leaves nothing on the signal', async () => {
  const { signal } = new AbortController()
  const removed = vi.spyOn(signal, 'removeEventListener')
  expect(await untilAborted(Promise.resolve(7), signal)).toBe(7)
  expect(removed).toHaveBeenCalledTimes(1)
})

test("an abort ends the wait with its reason, and a later failure is nobody's", async () => {
  const controller = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  const waiting = untilAborted(promise, controller.signal)
  controller.abort(new Error('closing'))
  await expect(waiting).rejects.toThrow('closing')
  reject(new Error('of no interest'))
  await expect(untilAborted(promise, controller.signal)).rejects.toThrow('closing')
})
