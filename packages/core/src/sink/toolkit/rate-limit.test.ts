import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { EventOutcome, EventRetry } from './outcome.ts'
import {
  createLanes,
  createRateLimiter,
  createSemaphore,
  createThrottle,
  createTokenBucket,
  type RateLimiter,
  type RateLimits,
} from './rate-limit.ts'

const never = new AbortController().signal

describe('a semaphore', () => {
  test('lets in as many as it has slots, then in order', async () => {
    const semaphore = createSemaphore(2)
    const order: number[] = []
    const releases = [await semaphore.acquire(never), await semaphore.acquire(never)]
    const waiting = [1, 2, 3].map((number) =>
      semaphore.acquire(never).then((release) => {
        order.push(number)
        releases.push(release)
      }),
    )
    await Promise.resolve()
    expect(order).toEqual([])
    for (let next = 0; next < 3; next++) {
      releases[next]?.()
      await waiting[next]
      expect(order).toHaveLength(next + 1)
    }
    expect(order).toEqual([1, 2, 3])
  })

  test('who gives up takes no slot', async () => {
    const semaphore = createSemaphore(1)
    const release = await semaphore.acquire(never)
    const controller = new AbortController()
    const givingUp = semaphore.acquire(controller.signal)
    const patient = semaphore.acquire(never)
    controller.abort(new Error('enough'))
    await expect(givingUp).rejects.toThrow('enough')
    release()
    expect(await patient).toBeTypeOf('function')
    await expect(semaphore.acquire(AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
  })
})

describe('lanes', () => {
  test('one at a time in a lane and in order, lanes side by side', async () => {
    const lanes = createLanes()
    const inFlight = new Map<string, number>()
    const most = { inOneLane: 0, inAll: 0 }
    const order: number[] = []
    const names = Array.from({ length: 50 }, (_, index) => `lane-${index % 5}`)
    await Promise.all(
      names.map(async (lane, index) => {
        const leave = await lanes.acquire(lane, never)
        if (lane === 'lane-0') order.push(index)
        inFlight.set(lane, (inFlight.get(lane) ?? 0) + 1)
        const all = [...inFlight.values()].reduce((sum, count) => sum + count, 0)
        most.inOneLane = Math.max(most.inOneLane, inFlight.get(lane) ?? 0)
        most.inAll = Math.max(most.inAll, all)
        await new Promise((resolve) => setTimeout(resolve, 2))
        inFlight.set(lane, (inFlight.get(lane) ?? 0) - 1)
        leave()
      }),
    )
    expect(most).toEqual({ inOneLane: 1, inAll: 5 })
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })

  test('who gives up leaves the lane to the others', async () => {
    const lanes = createLanes()
    const leave = await lanes.acquire('a', never)
    const controller = new AbortController()
    const givingUp = lanes.acquire('a', controller.signal)
    const patient = lanes.acquire('a', never)
    controller.abort(new Error('enough'))
    await expect(givingUp).rejects.toThrow('enough')
    leave()
    expect(await patient).toBeTypeOf('function')
  })
})

describe('a throttle', () => {
  function start() {
    let now = 5000
    const throttle = createThrottle(() => now)
    return { throttle, pass: (ms: number) => (now += ms) }
  }

  test('halves, and is whole again in 15 seconds', () => {
    const { throttle, pass } = start()
    expect(throttle.share()).toBe(1)
    throttle.tighten()
    expect(throttle.share()).toBe(0.5)
    pass(7500)
    expect(throttle.share()).toBeCloseTo(0.75)
    pass(7500)
    expect(throttle.share()).toBe(1)
    pass(3_600_000)
    expect(throttle.share()).toBe(1)
  })

  test('many refusals of one moment halve it once', () => {
    const { throttle, pass } = start()
    for (let count = 0; count < 50; count++) throttle.tighten()
    expect(throttle.share()).toBe(0.5)
    pass(1000)
    throttle.tighten()
    expect(throttle.share()).toBeCloseTo(0.267, 2)
  })

  test('something always goes through', () => {
    const { throttle, pass } = start()
    for (let count = 0; count < 50; count++) {
      throttle.tighten()
      pass(1000)
    }
    expect(throttle.share()).toBeGreaterThan(1 / 32)
  })
})

describe('in time', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  async function countIn(ms: number, requestsPerSecond: number, wanted: number): Promise<number> {
    const next = createTokenBucket({ perSecond: requestsPerSecond, now: Date.now })
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
    const next = createTokenBucket({ perSecond: 1, now: Date.now })
    await next(never)
    const controller = new AbortController()
    const waiting = next(controller.signal)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(vi.getTimerCount()).toBe(0)
  })

  async function timesOf(next: ReturnType<typeof createTokenBucket>, count: number) {
    const start = Date.now()
    const went: number[] = []
    for (let turn = 0; turn < 3; turn++) {
      void next(never, count).then(() => went.push(Date.now() - start))
    }
    await vi.advanceTimersByTimeAsync(5000)
    return went
  }

  test('what goes together goes at once after a quiet time, and the rest at the rate', async () => {
    const next = createTokenBucket({ perSecond: 100, now: Date.now })
    expect(await timesOf(next, 100)).toEqual([0, 1000, 2000])
  })

  test('a share slows it down', async () => {
    const next = createTokenBucket({ perSecond: 100, share: () => 0.5, now: Date.now })
    expect(await timesOf(next, 10)).toEqual([0, 200, 400])
  })

  const limited = (limit?: EventRetry['limit']): EventOutcome => ({
    status: 'retry',
    reason: 'x',
    scope: 'backend',
    ...(limit !== undefined && { limit }),
  })

  function start(limits: RateLimits): Required<RateLimiter> {
    return createRateLimiter({ maxConcurrentRequests: 8, ...limits }, Date.now)
  }

  async function goneIn(ms: number, limiter: RateLimiter, wanted: number, events = 1) {
    let gone = 0
    for (let index = 0; index < wanted; index++) {
      void limiter.acquire(never, events).then(() => gone++)
    }
    await vi.advanceTimersByTimeAsync(ms)
    return gone
  }

  async function slotsOf({ slots }: RateLimiter): Promise<number> {
    let taken = 0
    const controller = new AbortController()
    const acquiring = Array.from({ length: 20 }, () =>
      slots?.acquire(controller.signal).then(
        (release) => {
          taken += 1
          return release
        },
        () => () => {},
      ),
    )
    await vi.advanceTimersByTimeAsync(0)
    controller.abort()
    for (const release of await Promise.all(acquiring)) release?.()
    return taken
  }

  test('a request counts with all its events', async () => {
    const limiter = start({ eventsPerSecond: 1000, requestsPerSecond: 1000 })
    expect(await goneIn(1000, limiter, 100, 100)).toBe(11)
  })

  test('and requests count whatever is in them', async () => {
    const limiter = start({ eventsPerSecond: 9000, requestsPerSecond: 25 })
    expect(await goneIn(1000, limiter, 100, 10)).toBe(27)
  })

  test('too fast for the backend: half as fast, and whole again later', async () => {
    const fast = await goneIn(1000, start({ requestsPerSecond: 100 }), 1000)
    const limiter = start({ requestsPerSecond: 100 })
    limiter.note(limited('rate'))
    const slow = await goneIn(1000, limiter, 300)
    expect(slow).toBeLessThan(fast * 0.6)
    expect(slow).toBeGreaterThan(fast * 0.4)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await goneIn(1000, limiter, 1000)).toBe(fast)
    expect(await slotsOf(limiter)).toBe(8)
  })

  test('too many at a time for the backend: half as many, and all again later', async () => {
    const limiter = start({})
    expect(await slotsOf(limiter)).toBe(8)
    limiter.note(limited('concurrency'))
    expect(await slotsOf(limiter)).toBe(4)
    await vi.advanceTimersByTimeAsync(7500)
    expect(await slotsOf(limiter)).toBe(6)
    await vi.advanceTimersByTimeAsync(7500)
    expect(await slotsOf(limiter)).toBe(8)
  })

  test('nothing else changes how fast it goes', async () => {
    const limiter = start({})
    for (const outcome of [limited(), { status: 'accepted' } as const]) limiter.note(outcome)
    expect(await slotsOf(limiter)).toBe(8)
  })
})
