import { expect, test } from 'vitest'
import { periodName } from './period.ts'

const at = (text: string) => Date.parse(text)

test('a month begins where the clocks of its time zone say', () => {
  expect(periodName('month', at('2026-11-30T23:30:00Z'), 'UTC')).toBe('2026-11')
  expect(periodName('month', at('2026-11-30T23:30:00Z'), 'Europe/Berlin')).toBe('2026-12')
  expect(periodName('month', at('2026-12-01T04:30:00Z'), 'America/New_York')).toBe('2026-11')
})

test('a week is named by its Monday', () => {
  expect(periodName('week', at('2026-11-29T12:00:00Z'), 'UTC')).toBe('W2026-11-23')
  expect(periodName('week', at('2026-11-30T00:00:00Z'), 'UTC')).toBe('W2026-11-30')
  expect(periodName('week', at('2027-01-01T00:00:00Z'), 'UTC')).toBe('W2026-12-28')
})

test('a day with 23 or 25 hours is one day, and the hour that comes twice is two', () => {
  const first = periodName('hour', at('2026-10-25T00:30:00Z'), 'Europe/Berlin')
  const second = periodName('hour', at('2026-10-25T01:30:00Z'), 'Europe/Berlin')
  expect([first, second]).toEqual(['2026-10-25T02+02:00', '2026-10-25T02+01:00'])
  const days = ['2026-10-24T22:00:00Z', '2026-10-25T22:59:59Z'].map((time) =>
    periodName('day', at(time), 'Europe/Berlin'),
  )
  expect(days).toEqual(['2026-10-25', '2026-10-25'])
  expect(periodName('day', at('2026-10-25T23:00:00Z'), 'Europe/Berlin')).toBe('2026-10-26')
  expect(periodName('hour', at('2026-10-25T01:30:00Z'), 'UTC')).toBe('2026-10-25T01+00:00')
})

test('a time zone that there is not is refused', () => {
  expect(() => periodName('day', 0, 'Europe/Nowhere')).toThrow(RangeError)
})
