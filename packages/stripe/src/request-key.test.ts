import { expect, test } from 'vitest'
import type { StripeEvent } from './to-stripe-events.ts'
import { requestKey } from './request-key.ts'

const events = (...identifiers: string[]): StripeEvent[] =>
  identifiers.map((identifier) => ({
    event_name: 'tokens',
    identifier,
    timestamp: '2026-11-21T00:00:00.000Z',
    payload: {},
  }))

test('the same events have the same key, others another, and one event its own id', async () => {
  const key = await requestKey(events('a', 'b'))
  expect(key).toMatch(/^token-meter-[0-9a-f]{64}$/)
  expect(await requestKey(events('a', 'b'))).toBe(key)
  expect(await requestKey(events('b', 'a'))).not.toBe(key)
  expect(await requestKey(events('a\nb', 'c'))).not.toBe(await requestKey(events('a', 'b', 'd')))
  expect(await requestKey(events('r:input'))).toBe('r:input')
})
