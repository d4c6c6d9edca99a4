import { expect, test } from 'vitest'
import { type PeriodRule, periodAt } from './anchored-period.ts'

const at = (text: string) => Date.parse(text)
const monthly: PeriodRule = { period: 'month', every: 1, timeZone: 'UTC' }

function starts(rule: PeriodRule, anchor: string, days: readonly string[]): readonly string[] {
  return days.map((day) => new Date(periodAt(rule, at(anchor), at(day)).from).toISOString())
}

test('a month from the 31st begins on the last day of shorter months, and on the 31st after them', () => {
  const days = ['2027-02-27T23:00Z', '2027-02-28T12:00Z', '2027-03-30T00:00Z', '2027-03-31T10:00Z']
  expect(starts(monthly, '2027-01-31T10:00:00Z', days)).toEqual([
    '2027-01-31T10:00:00.000Z',
    '2027-02-28T10:00:00.000Z',
    '2027-02-28T10:00:00.000Z',
    '2027-03-31T10:00:00.000Z',
  ])
})

test('a leap day comes every year, on the 28th where there is none', () => {
  const yearly: PeriodRule = { ...monthly, period: 'year' }
  expect(
    starts(yearly, '2028-02-29T00:00:00Z', ['2029-02-28T00:00Z', '2032-02-29T00:00Z']),
  ).toEqual(['2029-02-28T00:00:00.000Z', '2032-02-29T00:00:00.000Z'])
})

test('a day begins at the same time of the day, whether it has 23 hours or 25', () => {
  const daily: PeriodRule = { period: 'day', every: 1, timeZone: 'Europe/Berlin' }
  // 09:00 in Berlin, before and after both changes of the clocks.
  const days = ['2026-03-28T12:00Z', '2026-03-29T12:00Z', '2026-10-24T12:00Z', '2026-10-25T12:00Z']
  expect(starts(daily, '2026-03-01T08:00:00Z', days)).toEqual([
    '2026-03-28T08:00:00.000Z',
    '2026-03-29T07:00:00.000Z',
    '2026-10-24T07:00:00.000Z',
    '2026-10-25T08:00:00.000Z',
  ])
})

test('a time that a day does not have is as much later; one that it has twice is the first', () => {
  const daily: PeriodRule = { period: 'day', every: 1, timeZone: 'Europe/Berlin' }
  expect(starts(daily, '2026-03-01T01:30:00Z', ['2026-03-29T12:00Z', '2026-10-25T12:00Z'])).toEqual(
    ['2026-03-29T01:30:00.000Z', '2026-10-25T00:30:00.000Z'],
  )
})

test('periods meet: each moment is in one, and its end is the next one’s beginning', () => {
  for (const period of ['day', 'week', 'month', 'year'] as const) {
    for (const every of [1, 3, 14]) {
      const rule = { period, every, timeZone: 'America/New_York' }
      const anchor = at('2026-01-31T23:59:59.999Z')
      let one = periodAt(rule, anchor, at('2025-06-01T00:00Z'))
      for (let count = 0; count < 40; count++) {
        const next = periodAt(rule, anchor, one.until)
        expect(next).toMatchObject({ number: one.number + 1, from: one.until })
        expect(periodAt(rule, anchor, one.until - 1)).toEqual(one)
        one = next
      }
    }
  }
})
