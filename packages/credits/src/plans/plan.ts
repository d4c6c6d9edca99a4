import { ConfigError } from '@token-meter/core/outbox'
import { type Unit } from '../amount.ts'
import type { Amount } from '../credits.ts'
import { amountOf, unitOf } from '../shown.ts'
import { zoneFormat } from '../period.ts'
import type { PeriodRule, PlanPeriod } from './anchored-period.ts'

/**
 * What a customer is given again and again: a free tier, a trial, the usage that a subscription
 * includes. What a period leaves is over with it.
 *
 *     { id: 'free', usd: '1', period: 'month', default: true }
 *     { id: 'trial', usd: '5', period: 'day', every: 14, times: 1 }
 *     { id: 'pro', usd: '50', period: 'month' }
 */
export type Plan = Amount & {
  /** What `subscribe` calls it by, and the metadata `token_meter_plan` of a price at Stripe. */
  readonly id: string
  /** Begins anew at the moment at which the customer subscribed, or Stripe's billing cycle does. */
  readonly period: PlanPeriod
  /** How many of them are one period: `{ period: 'day', every: 14 }`. @default 1 */
  readonly every?: number
  /** How many periods it is for: 1 for a trial. @default for ever */
  readonly times?: number
  /** Whose clocks say when a day begins. @default 'UTC' */
  readonly timeZone?: string
  /** 0 (drawn first) to 100. @default 50 */
  readonly priority?: number
  /**
   * Whoever has no other plan has this one, from the first time on that their account is asked for.
   * @default false
   */
  readonly default?: boolean
}

/** A plan that was checked. */
export interface PlanTerms extends PeriodRule {
  readonly id: string
  readonly unit: Unit
  readonly amount: bigint
  readonly times: number
  readonly priority: number
  readonly isDefault: boolean
}

const periods: readonly unknown[] = ['day', 'week', 'month', 'year']

/** @throws ConfigError for a plan that is none. */
export function checkedPlans(plans: readonly Plan[]): ReadonlyMap<string, PlanTerms> {
  const known = new Map<string, PlanTerms>()
  for (const plan of plans) {
    const { id, period, every = 1, times = Infinity, timeZone = 'UTC', priority = 50 } = plan
    const refuse = (problem: string) =>
      new ConfigError(`createCredits: the plan ${JSON.stringify(id)} ${problem}`)
    if (typeof id !== 'string' || id === '') throw refuse("needs an id, such as 'pro'")
    if (known.has(id)) throw refuse('is there twice: give each an id of its own')
    if (!periods.includes(period)) throw refuse("needs a period: 'day', 'week', 'month' or 'year'")
    const isCount = (value: number) => value === Infinity || (Number.isInteger(value) && value > 0)
    if (!isCount(every) || every === Infinity || !isCount(times)) {
      throw refuse('has `every` or `times` that is no whole number above 0')
    }
    if (!(Number.isInteger(priority) && priority >= 0 && priority <= 100)) {
      throw refuse('has a priority that is no whole number from 0 to 100')
    }
    try {
      zoneFormat(timeZone)
    } catch {
      throw refuse(`has a time zone that there is not: ${timeZone}`)
    }
    let terms: Pick<PlanTerms, 'unit' | 'amount'>
    try {
      terms = { unit: unitOf(plan), amount: amountOf(plan) }
    } catch (error) {
      throw refuse(`has no amount: ${(error as Error).message}`)
    }
    if (terms.amount <= 0n) throw refuse('gives nothing: its amount has to be above 0')
    const isDefault = plan.default === true
    if (isDefault && [...known.values()].some((one) => one.isDefault && one.unit === terms.unit)) {
      throw refuse(`is a second one that is the default in ${terms.unit}`)
    }
    known.set(id, { id, period, every, times, timeZone, priority, isDefault, ...terms })
  }
  return known
}
