import type { WatchedMeter } from '@token-meter/core/adapter'
import { expect, test } from 'vitest'
import { sharedStats } from './delivery-metrics.ts'

type Stats = Awaited<ReturnType<WatchedMeter['stats']>>

function meterWith(stats: WatchedMeter['stats']): WatchedMeter {
  return { on: () => () => {}, stats }
}

test('an outbox that hangs is waited for as long as was said, and asked once', async () => {
  const answer: Stats = { recorded: 1, sinks: {}, errors: 0 }
  const asked: ((stats: Stats) => void)[] = []
  const stats = sharedStats(
    meterWith(() => new Promise((resolve) => void asked.push(resolve))),
    5,
  )
  expect(await stats()).toBeUndefined()
  expect(await stats()).toBeUndefined()
  expect(asked).toHaveLength(1)
  const late = stats()
  asked[0]?.(answer)
  expect(await late).toBe(answer)
  const next = stats()
  await expect.poll(() => asked.length).toBe(2)
  asked[1]?.(answer)
  expect(await next).toBe(answer)
})

test.each([
  [
    'throws',
    () => {
      throw new Error('away')
    },
  ],
  ['rejects', () => Promise.reject(new Error('away'))],
])('an outbox that %s is no answer, and asked again', async (_, fail) => {
  let asked = 0
  const stats = sharedStats(
    meterWith(() => {
      asked++
      return fail()
    }),
    1000,
  )
  expect(await stats()).toBeUndefined()
  expect(await stats()).toBeUndefined()
  expect(asked).toBe(2)
})
