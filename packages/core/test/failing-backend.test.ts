import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMeter, DeliveryError, memoryOutbox, type SinkResult } from '../src/index.ts'
import { usage } from './backend.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const minute = 60_000

/** A meter whose backend answers what the test says. */
function start(onError?: (error: Error) => void) {
  let answer: SinkResult = { status: 'retry', reason: '401: no such key' }
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [
      {
        name: 'stripe',
        send: async ({ entries }) => entries.map(() => answer),
      },
    ],
    ...(onError && { onError }),
  })
  return { meter, answerWith: (next: SinkResult) => (answer = next) }
}

test('a key that is refused is told on the console after a minute and every hour, and counted', async () => {
  const lines = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const { meter, answerWith } = start()
  const since = Date.now()
  await meter.record(usage('r1'))
  await meter.record(usage('r2'))
  await vi.advanceTimersByTimeAsync(minute / 2)
  expect(lines).not.toHaveBeenCalled()
  const { failing } = (await meter.stats()).sinks['stripe']!
  expect(failing?.reason).toBe('401: no such key')
  expect(failing!.since - since).toBeLessThan(minute / 2)
  await vi.advanceTimersByTimeAsync(2 * minute)
  expect(lines.mock.calls).toEqual([
    [
      expect.stringMatching(
        /^\[token-meter\] delivery: the sink "stripe" has taken nothing for 1 min: 401: no such key\. 2 usage record\(s\) wait for it, the oldest for \d+ \w+\. They are kept/,
      ),
    ],
  ])
  expect((await meter.stats()).errors).toBe(1)
  await vi.advanceTimersByTimeAsync(3 * 60 * minute)
  expect(lines).toHaveBeenCalledTimes(4)

  answerWith({ status: 'accepted' })
  await vi.advanceTimersByTimeAsync(3 * minute)
  expect((await meter.stats()).sinks['stripe']).not.toHaveProperty('failing')
  await vi.advanceTimersByTimeAsync(3 * 60 * minute)
  expect(lines).toHaveBeenCalledTimes(4)
  await meter.close()
})

test('an application is told the same as data', async () => {
  const errors: Error[] = []
  const { meter } = start((error) => errors.push(error))
  await meter.record(usage('r1'))
  await vi.advanceTimersByTimeAsync(3 * minute)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toBeInstanceOf(DeliveryError)
  expect(errors[0]).toMatchObject({
    sink: 'stripe',
    failing: { since: expect.any(Number), reason: '401: no such key' },
  })
  const closing = meter.close({ timeoutMs: 0 }).catch(() => {})
  await vi.advanceTimersByTimeAsync(10_000)
  await closing
  const told = errors.length
  await vi.advanceTimersByTimeAsync(5 * 60 * minute)
  expect(errors).toHaveLength(told)
})
