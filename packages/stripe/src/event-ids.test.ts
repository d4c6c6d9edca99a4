import { expect, test } from 'vitest'
import type { StripeEvent } from './stripe-events.ts'
import { recordIdOf, requestKey } from './event-ids.ts'
import { tokenTypes } from '@token-meter/core/sink'

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

test('an event names its record, for every token type', () => {
  for (const { type } of tokenTypes) {
    expect(recordIdOf(`a:b:${type}`, 'tokens')).toBe('a:b')
    expect(recordIdOf(`a:b:${type}~12`, 'tokens')).toBe('a:b')
    expect(recordIdOf(`a:b:${type}`, 'cost')).toBeUndefined()
  }
  expect(recordIdOf('a:b:cost', 'cost')).toBe('a:b')
  expect(recordIdOf('a:b:cost~2', 'cost')).toBe('a:b')
  expect(recordIdOf('a:b:cost', 'tokens')).toBeUndefined()
})

test.each(['', 'input', ':input', 'r:tokens', 'r:input~', 'r:input~x', 'r:input~2:more'])(
  '%j is of no record of ours',
  (id) => {
    expect(recordIdOf(id, 'tokens')).toBeUndefined()
    expect(recordIdOf(id.replace('input', 'cost'), 'cost')).toBeUndefined()
  },
)
