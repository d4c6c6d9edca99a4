import { zoneFormat } from '../period.ts'

/** How long one period of a plan is, before `every` multiplies it. */
export type PlanPeriod = 'day' | 'week' | 'month' | 'year'

/** Periods that begin at an account's own moment, by the clocks of a time zone. */
export interface PeriodRule {
  readonly period: PlanPeriod
  /** How many of them are one. */
  readonly every: number
  readonly timeZone: string
}

/** From, and until, in ms since the epoch; its number is 0 where the anchor is its beginning. */
export interface AnchoredPeriod {
  readonly number: number
  readonly from: number
  readonly until: number
}

/**
 * The period that a moment is in. Each is counted from the anchor, never from the one before: one that
 * begins on the 31st begins on the last day of shorter months, and on the 31st again after them. A
 * period begins at the anchor's time of the day, whether a day has 23 hours or 25; at one that a day
 * does not have, as much later.
 * @param anchor, at ms since the epoch.
 */
export function periodAt(rule: PeriodRule, anchor: number, at: number): AnchoredPeriod {
  const begins = (number: number) => periodStart(rule, anchor, number)
  let number = Math.floor((at - anchor) / averageMs(rule))
  while (begins(number) > at) number--
  while (begins(number + 1) <= at) number++
  return { number, from: begins(number), until: begins(number + 1) }
}

const dayMs = 86_400_000

function averageMs({ period, every }: PeriodRule): number {
  const days = { day: 1, week: 7, month: 30.436875, year: 365.2425 }
  return days[period] * every * dayMs
}

/** When a period begins, by its number, in ms since the epoch. */
export function periodStart(
  { period, every, timeZone }: PeriodRule,
  anchor: number,
  number: number,
): number {
  const local = anchor + offsetAt(anchor, timeZone)
  const count = number * every
  if (period === 'day' || period === 'week') {
    return instantOf(local + count * (period === 'day' ? 1 : 7) * dayMs, timeZone)
  }
  const date = new Date(local)
  const month = date.getUTCMonth() + count * (period === 'month' ? 1 : 12)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate()
  const day = Date.UTC(date.getUTCFullYear(), month, Math.min(date.getUTCDate(), lastDay))
  return instantOf(day + (((local % dayMs) + dayMs) % dayMs), timeZone)
}

/** How far the clocks of a time zone are before UTC, in ms. */
function offsetAt(at: number, timeZone: string): number {
  const parts = zoneFormat(timeZone).formatToParts(at)
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours, minutes, seconds = '0'] =
    /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(name) ?? []
  if (sign === undefined) return 0
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -ms : ms
}

/** When clocks show this: the first time where they do so twice. */
function instantOf(local: number, timeZone: string): number {
  const before = local - offsetAt(local - dayMs, timeZone)
  const after = local - offsetAt(local + dayMs, timeZone)
  const shows = (at: number) => at + offsetAt(at, timeZone) === local
  if (shows(before)) return before
  return shows(after) ? after : before
}
