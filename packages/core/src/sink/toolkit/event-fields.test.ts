import { expect, test } from 'vitest'
import {
  attributeTexts,
  dateText,
  datedAhead,
  unusedEventId,
  withCacheInInput,
} from './event-fields.ts'
import { exampleRecord } from '@token-meter/testkit'

test('what has an obvious text is kept, and nothing that decides the bill', () => {
  const attributes = { team: 'a', seats: 3, trial: false, model: 'cheap', more: {}, none: null }
  expect(attributeTexts(attributes, new Set(['model']))).toEqual([
    ['team', 'a'],
    ['seats', '3'],
    ['trial', 'false'],
  ])
  expect(attributeTexts({ model: 'm' })).toEqual([['model', 'm']])
})

test('each refusal uses up one id, and no other event of the record', () => {
  expect(unusedEventId('r:input', [])).toBe('r:input')
  expect(unusedEventId('r:input', ['r:output', 'r:cached_input'])).toBe('r:input')
  expect(unusedEventId('r:input', ['r:input'])).toBe('r:input~2')
  expect(unusedEventId('r:input', ['r:input~2', 'r:input'])).toBe('r:input~3')
})

test('the cache is in the input, and nothing else is changed', () => {
  const record = exampleRecord({
    tokens: { input: 1, cachedInput: 20, cachedWrite: 300, output: 4 },
  })
  expect(withCacheInInput(record)).toEqual({
    ...record,
    tokens: { input: 321, cachedInput: 0, cachedWrite: 0, output: 4 },
  })
})

const minuteMs = 60_000
const now = Date.parse('2026-11-21T10:00:00Z')
const limit = { backend: 'Stripe', aheadMs: 5 * minuteMs, ahead: '5 minutes' }

test.each([0, now - minuteMs, now, now + 5 * minuteMs, NaN])('%i can be sent', (at) => {
  expect(datedAhead(at, now, limit)).toBeUndefined()
})

test('what is too far ahead waits for its time, and asks again each minute', () => {
  expect(datedAhead(now + 5 * minuteMs + 7, now, limit)).toEqual({
    status: 'retry',
    reason: expect.stringMatching(/2026-11-21T10:05:00\.007Z, more than 5 minutes ahead.*Stripe/),
    afterMs: 7,
    recordOnly: true,
  })
  expect(datedAhead(now + 60 * minuteMs, now, limit)).toMatchObject({ afterMs: minuteMs })
  expect(datedAhead(Infinity, now, limit)).toMatchObject({ afterMs: minuteMs })
})

test('a time that is no date is shown as it is', () => {
  expect(dateText(now)).toBe('2026-11-21T10:00:00.000Z')
  expect(dateText(NaN)).toBe('NaN')
  expect(dateText(1e300)).toBe('1e+300')
})
