/**
 * How fast a sink may go: so many requests at a time (slots), so many of them and of their events a
 * second (token buckets), one at a time of what a backend does one by one (lanes), and less of all that
 * while the backend says that it is too much (throttles).
 */
import { onAbort, sleep } from '../../lib/timing.ts'
import type { EventOutcome } from './outcome.ts'

/** The limits of one sink, in this process. */
export interface RateLimits {
  /** @default no limit */
  readonly requestsPerSecond?: number
  /** @default no limit */
  readonly eventsPerSecond?: number
  /** Requests in flight at a time. @default one for each send */
  readonly maxConcurrentRequests?: number
}

export interface RateLimiter {
  /** One for each request in flight; absent, each send has one. */
  readonly slots?: Slots | undefined
  /** Resolves when the next request, with so many events, may go. */
  acquire(signal: AbortSignal, events: number): Promise<void>
  /** Slows down for a while where an outcome says that it is too much. */
  note?(outcome: EventOutcome): void
}

export interface Slots {
  /**
   * Resolves, once there is a slot, to the function that gives it back.
   * @param lane requests of one lane go one at a time, lanes side by side. @default a lane of its own
   */
  acquire(signal: AbortSignal, lane?: string): Promise<() => void>
}

/** @param now a clock in ms that never goes back. */
export function createRateLimiter(
  { requestsPerSecond, eventsPerSecond, maxConcurrentRequests }: RateLimits,
  now: () => number = () => performance.now(),
): Required<RateLimiter> {
  const speed = createThrottle(now)
  const width = createThrottle(now)
  const bucket = (perSecond = Infinity) => createTokenBucket({ perSecond, share: speed.share, now })
  const nextRequest = bucket(requestsPerSecond)
  const nextEvents = bucket(eventsPerSecond)
  return {
    slots:
      maxConcurrentRequests === undefined
        ? undefined
        : createSlots(maxConcurrentRequests, width.share),
    acquire: async (signal, events) => {
      await nextRequest(signal)
      // A request goes whole.
      await nextEvents(signal, events)
    },
    note: (outcome) => {
      if (outcome.status !== 'retry') return
      if (outcome.limit === 'rate') speed.tighten()
      if (outcome.limit === 'concurrency') width.tighten()
    },
  }
}

function createSlots(count: number, share: () => number): Slots {
  const places = createSemaphore(count, share)
  const lanes = createLanes()
  return {
    async acquire(signal, lane) {
      const leave = lane === undefined ? undefined : await lanes.acquire(lane, signal)
      try {
        const release = await places.acquire(signal)
        return () => {
          release()
          leave?.()
        }
      } catch (error) {
        leave?.()
        throw error
      }
    },
  }
}

/** Lets a number of holders in at a time, in the order in which they came. */
export interface Semaphore {
  /** Resolves, once there is room, to the function that gives the slot back. */
  acquire(signal: AbortSignal): Promise<() => void>
}

/** @param share how many of the slots may be used now, above 0 and up to 1; one always may. */
export function createSemaphore(slots: number, share: () => number = () => 1): Semaphore {
  let taken = 0
  const waiting = new Set<() => void>()

  const hasRoom = () => taken < Math.max(1, Math.floor(slots * share()))

  function release(): void {
    taken -= 1
    for (const enter of waiting) {
      if (!hasRoom()) return
      enter()
    }
  }

  async function acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    // Nobody who comes later may take a slot before those who wait.
    if (waiting.size === 0 && hasRoom()) taken += 1
    else await turn(signal)
    return release
  }

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(enter)
        stopListening()
      }
      const enter = () => {
        leave()
        taken += 1
        resolve()
      }
      const giveUp = () => {
        leave()
        reject(signal.reason as Error)
      }
      waiting.add(enter)
      const stopListening = onAbort(signal, giveUp)
    })
  }

  return { acquire }
}

export interface Lanes {
  /** Resolves when a lane is free, to the function that leaves it. */
  acquire(lane: string, signal: AbortSignal): Promise<() => void>
}

export function createLanes(): Lanes {
  const lanes = new Map<string, { readonly turns: Semaphore; users: number }>()
  return {
    async acquire(name, signal) {
      const lane = lanes.get(name) ?? { turns: createSemaphore(1), users: 0 }
      lane.users += 1
      lanes.set(name, lane)
      const leave = () => {
        if (--lane.users === 0) lanes.delete(name)
      }
      try {
        const release = await lane.turns.acquire(signal)
        return () => {
          release()
          leave()
        }
      } catch (error) {
        leave()
        throw error
      }
    },
  }
}

/** How much may go at once after a quiet time. */
const burstMs = 100

export interface TokenBucketOptions {
  readonly perSecond: number
  /** How much of that may be used now, above 0 and up to 1. @default all of it */
  readonly share?: () => number
  /** A clock in ms that never goes back. @default performance.now */
  readonly now?: () => number
}

/**
 * A token bucket. Resolves when so many may go; throws the signal's reason when it is aborted before.
 * After a quiet time as many go at once as go together, or as many as 100 ms see, if that is more.
 */
export function createTokenBucket({
  perSecond,
  share = () => 1,
  now = () => performance.now(),
}: TokenBucketOptions): (signal: AbortSignal, count?: number) => Promise<void> {
  let lastSlot = -Infinity
  return async (signal, count = 1) => {
    const intervalMs = 1000 / (perSecond * share())
    const headStartMs = Math.max(burstMs, intervalMs * count)
    const moment = now()
    lastSlot = Math.max(lastSlot, moment - headStartMs) + intervalMs * count
    const waitMs = lastSlot - moment
    if (waitMs < 1) return
    signal.throwIfAborted()
    await sleep(waitMs, { signal, keepsAlive: true })
    signal.throwIfAborted()
  }
}

/** How long a halved share takes to be whole again, in ms. */
const recoveryMs = 30_000
/** What is refused within so short a time was sent before the share was halved, in ms. */
const sameMomentMs = 1000
const smallestShare = 1 / 32

/** The share of a limit of ours that the backend lets through, when it says that ours is too much. */
export interface Throttle {
  /** Above 0, up to 1. */
  share(): number
  /** Halves the share, which then grows again by itself. */
  tighten(): void
}

/** @param now a clock in ms that never goes back. */
export function createThrottle(now: () => number): Throttle {
  let lowest = 1
  let tightenedAt = -Infinity
  const share = () => Math.min(1, lowest + (now() - tightenedAt) / recoveryMs)
  return {
    share,
    tighten: () => {
      if (now() - tightenedAt < sameMomentMs) return
      lowest = Math.max(smallestShare, share() / 2)
      tightenedAt = now()
    },
  }
}
