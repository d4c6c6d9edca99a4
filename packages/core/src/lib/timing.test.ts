import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  abortable,
  onAbort,
  requestWithin,
  settledWithin,
  sleep,
  Timer,
  valueBefore,
  withTimeoutSignal,
} from './timing.ts'

const never = new AbortController().signal
const silence = () => new Promise<never>(() => {})
const soon = (ms = 100) => performance.now() + ms

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('settledWithin says whether work has ended, however it ended', async () => {
  expect(await settledWithin(100, Promise.resolve())).toBe(true)
  expect(await settledWithin(100, Promise.reject(new Error('no')))).toBe(true)
  const waiting = settledWithin(100, silence())
  await vi.advanceTimersByTimeAsync(100)
  expect(await waiting).toBe(false)
})

test('valueBefore has the value, the failure, or nothing where it took too long', async () => {
  expect(await valueBefore(soon(), () => undefined)).toEqual({ value: undefined })
  expect(await valueBefore(soon(), async () => 7)).toEqual({ value: 7 })
  const thrown = () => {
    throw new Error('closed')
  }
  await expect(valueBefore(soon(), thrown)).rejects.toThrow('closed')
  await expect(valueBefore(soon(), async () => thrown())).rejects.toThrow('closed')
  const waiting = valueBefore(soon(), silence)
  await vi.advanceTimersByTimeAsync(100)
  expect(await waiting).toBeUndefined()
})

describe('abortable', () => {
  test('work that ends in time is what it returns, and leaves nothing on the signal', async () => {
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    expect(await abortable(Promise.resolve(7), signal)).toBe(7)
    expect(removed).toHaveBeenCalledTimes(1)
  })

  test("an abort ends the wait with its reason, and a later failure is nobody's", async () => {
    const controller = new AbortController()
    const { promise, reject } = Promise.withResolvers<never>()
    const waiting = abortable(promise, controller.signal)
    controller.abort(new Error('closing'))
    await expect(waiting).rejects.toThrow('closing')
    reject(new Error('of no interest'))
    await expect(abortable(promise, controller.signal)).rejects.toThrow('closing')
    await expect(abortable(Promise.resolve(7), controller.signal)).rejects.toThrow('closing')
  })

  test('work that heeds the signal may say how far it came', async () => {
    const controller = new AbortController()
    const { promise, resolve } = Promise.withResolvers<number>()
    const waiting = abortable(promise, controller.signal, 100)
    controller.abort(new Error('closing'))
    await vi.advanceTimersByTimeAsync(99)
    resolve(7)
    expect(await waiting).toBe(7)
    const late = expect(abortable(silence(), controller.signal, 100)).rejects.toThrow('closing')
    await vi.advanceTimersByTimeAsync(100)
    await late
  })
})

describe('requestWithin', () => {
  test('an answer in time is the answer', async () => {
    expect(await requestWithin(100, never, async () => 'yes')).toBe('yes')
    const failing = requestWithin(100, never, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
  })

  test('the time ends the wait, also for a request that does not heed its signal', async () => {
    let own: AbortSignal = never
    const waiting = requestWithin(100, never, (signal) => {
      own = signal
      return silence()
    })
    const ended = expect(waiting).rejects.toThrow('it did not answer within 100 ms')
    await vi.advanceTimersByTimeAsync(99)
    expect(own.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await ended
    expect(own.aborted).toBe(true)
  })

  test("the caller's abort ends it, and nothing is left on its signal", async () => {
    const controller = new AbortController()
    const removed = vi.spyOn(controller.signal, 'removeEventListener')
    const waiting = requestWithin(100, controller.signal, silence)
    controller.abort(new Error('closing'))
    await expect(waiting).rejects.toThrow('closing')
    expect(removed).toHaveBeenCalledTimes(1)
    const request = vi.fn(silence)
    await expect(requestWithin(100, controller.signal, request)).rejects.toThrow('closing')
    expect(request).not.toHaveBeenCalled()
  })

  test('a time beyond what a timer takes is as long as it takes', async () => {
    const controller = new AbortController()
    const done = vi.fn()
    const waiting = requestWithin(2 ** 40, controller.signal, silence).catch(done)
    await vi.advanceTimersByTimeAsync(1000)
    expect(done).not.toHaveBeenCalled()
    controller.abort()
    await waiting
  })
})

test('withTimeoutSignal tells work of the end, and waits for what it makes of it', async () => {
  const controller = new AbortController()
  const waiting = withTimeoutSignal(100, controller.signal, async (own) => {
    await sleep(1000, { signal: own })
    return own.reason as unknown
  })
  await vi.advanceTimersByTimeAsync(100)
  expect(await waiting).toEqual(new Error('it did not answer within 100 ms'))
  controller.abort('closing')
  expect(await withTimeoutSignal(100, controller.signal, async (own) => own.reason)).toBe('closing')
})

test('a sleep ends with its time, or with its signal, and throws nothing', async () => {
  const controller = new AbortController()
  const removed = vi.spyOn(controller.signal, 'removeEventListener')
  const awake = vi.fn()
  const sleeping = sleep(100, { signal: controller.signal }).then(awake)
  await vi.advanceTimersByTimeAsync(99)
  expect(awake).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  await sleeping
  expect(removed).toHaveBeenCalledTimes(1)
  const cut = sleep(100, { signal: controller.signal })
  controller.abort()
  await cut
  await sleep(100, { signal: controller.signal })
})

test('what happens in the background keeps no process alive, a caller who waits does', () => {
  const controller = new AbortController()
  const { signal } = controller
  const started = vi.spyOn(globalThis, 'setTimeout')
  const isReferenced = () =>
    (started.mock.results.at(-1)?.value as NodeJS.Timeout | undefined)?.hasRef()
  void sleep(100, { signal })
  expect(isReferenced()).toBe(false)
  void sleep(100, { signal, keepsAlive: true })
  expect(isReferenced()).toBe(true)
  void settledWithin(100, silence())
  expect(isReferenced()).toBe(true)
  void valueBefore(soon(), silence, { keepsAlive: false })
  expect(isReferenced()).toBe(false)
  const timer = new Timer(() => {})
  timer.scheduleWithin(100)
  expect(isReferenced()).toBe(false)
  timer.clear()
  controller.abort()
  started.mockRestore()
  vi.advanceTimersByTime(100)
})

test('a timer runs once, at the earliest time that was asked for', () => {
  const run = vi.fn()
  const timer = new Timer(run)
  timer.scheduleWithin(100)
  timer.scheduleWithin(50)
  timer.scheduleWithin(200)
  vi.advanceTimersByTime(49)
  expect(run).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(run).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(1000)
  timer.scheduleWithin(10)
  timer.clear()
  vi.advanceTimersByTime(1000)
  expect(run).toHaveBeenCalledTimes(1)
  timer.scheduleWithin(2 ** 40)
  vi.advanceTimersByTime(1000)
  expect(run).toHaveBeenCalledTimes(1)
  timer.clear()
})

describe('onAbort', () => {
  test('everybody who still waits is called, by one listener', () => {
    const controller = new AbortController()
    const added = vi.spyOn(controller.signal, 'addEventListener')
    const called: string[] = []
    onAbort(controller.signal, () => called.push('a'))
    const end = onAbort(controller.signal, () => called.push('b'))
    onAbort(controller.signal, () => called.push('c'))
    end()
    controller.abort()
    expect(called).toEqual(['a', 'c'])
    expect(added).toHaveBeenCalledTimes(1)
    onAbort(controller.signal, () => called.push('late'))
    expect(called).toEqual(['a', 'c', 'late'])
  })

  test('nothing is left on the signal, and it can be used again', () => {
    const controller = new AbortController()
    const removed = vi.spyOn(controller.signal, 'removeEventListener')
    const ends = [onAbort(controller.signal, () => {}), onAbort(controller.signal, () => {})]
    for (const end of ends) end()
    expect(removed).toHaveBeenCalledTimes(1)
    const callback = vi.fn()
    onAbort(controller.signal, callback)
    controller.abort()
    expect(callback).toHaveBeenCalledTimes(1)
  })
})
