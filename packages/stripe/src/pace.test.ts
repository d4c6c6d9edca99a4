import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EventOutcome, EventRetry } from './event-outcome.ts'
import { createPace, type Pace } from './pace.ts'
import { stripeSinkSettings } from './stripe-sink-settings.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const never = new AbortController().signal
const limited = (limit: EventRetry['limit']): EventOutcome => ({
  status: 'retry',
  reason: 'x',
  reach: 'outage',
  limit,
})

function start(options: { api?: 'stream'; requestsPerSecond?: number; eventsPerSecond?: number }) {
  return createPace(stripeSinkSettings({ maxConcurrentRequests: 8, ...options }), Date.now)
}

async function goneIn(ms: number, pace: Pace, wanted: number, events = 1): Promise<number> {
  let gone = 0
  for (let index = 0; index < wanted; index++) void pace.moment(never, events).then(() => gone++)
  await vi.advanceTimersByTimeAsync(ms)
  return gone
}

async function placesOf(pace: Pace): Promise<number> {
  let taken = 0
  const controller = new AbortController()
  const acquiring = Array.from({ length: 20 }, () =>
    pace.places.acquire(controller.signal).then(
      (release) => {
        taken += 1
        return release
      },
      () => () => {},
    ),
  )
  await vi.advanceTimersByTimeAsync(0)
  controller.abort()
  for (const release of await Promise.all(acquiring)) release()
  return taken
}

test('a request of the stream counts with all its events', async () => {
  const pace = start({ api: 'stream', eventsPerSecond: 1000, requestsPerSecond: 1000 })
  expect(await goneIn(1000, pace, 100, 100)).toBe(11)
})

test('and the requests of a sandbox count whatever is in them', async () => {
  const pace = start({ api: 'stream', requestsPerSecond: 25 })
  expect(await goneIn(1000, pace, 100, 10)).toBe(27)
})

test('too fast for Stripe: half as fast, and whole again later', async () => {
  const fast = await goneIn(1000, start({ requestsPerSecond: 100 }), 1000)
  const pace = start({ requestsPerSecond: 100 })
  pace.note(limited('rate'))
  const slow = await goneIn(1000, pace, 300)
  expect(slow).toBeLessThan(fast * 0.6)
  expect(slow).toBeGreaterThan(fast * 0.4)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await goneIn(1000, pace, 1000)).toBe(fast)
  expect(await placesOf(pace)).toBe(8)
})

test('too many at a time for Stripe: half as many, and all again later', async () => {
  const pace = start({})
  expect(await placesOf(pace)).toBe(8)
  pace.note(limited('concurrency'))
  expect(await placesOf(pace)).toBe(4)
  await vi.advanceTimersByTimeAsync(7500)
  expect(await placesOf(pace)).toBe(6)
  await vi.advanceTimersByTimeAsync(7500)
  expect(await placesOf(pace)).toBe(8)
})

test('nothing else changes the pace', async () => {
  const pace = start({})
  for (const outcome of [limited(undefined), { status: 'accepted' } as const]) pace.note(outcome)
  expect(await placesOf(pace)).toBe(8)
})
