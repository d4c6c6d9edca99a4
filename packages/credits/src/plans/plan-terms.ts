import { ConfigError, checkKeys } from '@token-meter/core/outbox'
import { got, type Unit } from '../amount.ts'
import { amountOf, unitOf } from '../shown.ts'
import { zoneFormat } from '../period.ts'
import type { PeriodRule } from './anchored-period.ts'
import type { Plan } from './plan.ts'

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

const options: Readonly<Record<keyof Plan, true>> = {
  id: true,
  usd: true,
  tokens: true,
  period: true,
  every: true,
  times: true,
  timeZone: true,
  priority: true,
  default: true,
}

/** @throws ConfigError for a plan that is none. */
export function checkedPlans(plans: readonly Plan[]): ReadonlyMap<string, PlanTerms> {
  const known = new Map<string, PlanTerms>()
  for (const plan of plans) {
    checkKeys<Plan>('createCredits: a plan', plan, options)
    const { id, period, every = 1, times = Infinity, timeZone = 'UTC', priority = 50 } = plan
    const refuse = (problem: string) =>
      new ConfigError(`createCredits: the plan ${got(id)} ${problem}`)
    if (typeof id !== 'string' || id === '') throw refuse("needs an id, such as 'pro'")
    if (known.has(id)) throw refuse('is there twice: give each an id of its own')
    if (!periods.includes(period)) {
      throw refuse(`needs a period: 'day', 'week', 'month' or 'year', got ${got(period)}`)
    }
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
      throw refuse(`has a time zone that there is not: ${got(timeZone)}`)
    }
    let terms: Pick<PlanTerms, 'unit' | 'amount'>
    try {
      terms = { unit: unitOf(plan), amount: amountOf(plan) }
    } catch (error) {
      throw refuse(`has no amount: ${(error as Error).message}`)
    }
    if (terms.amount <= 0n) throw refuse('gives nothing: its amount has to be above 0')
    if (plan.default !== undefined && typeof plan.default !== 'boolean') {
      throw refuse(`has a \`default\` that is neither true nor false: ${got(plan.default)}`)
    }
    const isDefault = plan.default === true
    if (isDefault && [...known.values()].some((one) => one.isDefault && one.unit === terms.unit)) {
      throw refuse(`is a second one that is the default in ${terms.unit}`)
    }
    known.set(id, { id, period, every, times, timeZone, priority, isDefault, ...terms })
  }
  return known
}
