import { expect, test, vi } from 'vitest'
import { createRate } from './rate.ts'

const never = new AbortController().signal

test('a burst goes at once, and the rest at the rate', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  try {
    const moment = createRate(1000)
    const went: number[] = []
    const start = performance.now()
    const all = Array.from({ length: 5 }, async () => {
      await moment(100, never)
      went.push(performance.now() - start)
    })
    await vi.runAllTimersAsync()
    await Promise.all(all)
    expect(went.map(Math.round)).toEqual([0, 100, 200, 300, 400])
  } finally {
    vi.useRealTimers()
  }
})

test('an abort ends the wait, and leaves nothing behind', async () => {
  const controller = new AbortController()
  const moment = createRate(0.001)
  await moment(1, never)
  const waiting = moment(1, controller.signal)
  controller.abort(new Error('closing'))
  await expect(waiting).rejects.toThrow('closing')
  await expect(moment(1, controller.signal)).rejects.toThrow('closing')
})
