import { expect, test } from 'vitest'
import { datedAhead, dateText } from './dated-ahead.ts'

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
