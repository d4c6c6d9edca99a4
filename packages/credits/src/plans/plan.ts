import type { Amount } from '../amount.ts'
import type { PlanPeriod } from './anchored-period.ts'

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
