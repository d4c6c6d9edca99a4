/**
 * Plans of accounts. What a period includes is a grant, given when the account is asked for in that
 * period for the first time; its key names the plan's row, the plan and the period, so that it is
 * given once. `due` of the books asks for it (`renew`), and so does whoever changes a plan.
 */
import { ConfigError } from '@token-meter/core/outbox'
import { formatAmount, got, maxParts, type Unit } from '../amount.ts'
import { type Act, due, plainGrant, schedule } from '../books/operations.ts'
import type { AccountPlans, AccountRow, BookRows } from '../books/rows.ts'
import { periodAt, periodStart } from './anchored-period.ts'
import { cutOff, goOn, sourceOf } from './plan-ends.ts'
import { type PlanRow, planRowId, type PlanState } from './plan-row.ts'
import type { PlanTerms } from './plan-terms.ts'

/** What an account is to be on. */
export interface Subscribed {
  /** Its row: one for each plan that an account has at a time. */
  readonly id: string
  readonly plan: string
  /** How many of it. */
  readonly quantity: number
  /** Where its periods begin, in ms since the epoch. */
  readonly anchor: number
  readonly subscription?: string | null
  readonly endsAt?: number | null
}

export class PlanBook implements AccountPlans {
  readonly #plans: ReadonlyMap<string, PlanTerms>

  constructor(plans: ReadonlyMap<string, PlanTerms>) {
    this.#plans = plans
  }

  has(plan: string): boolean {
    return this.#plans.has(plan)
  }

  /** @throws ConfigError where there is no such plan. */
  terms(plan: string): PlanTerms {
    const terms = this.#plans.get(plan)
    if (terms !== undefined) return terms
    const known = [...this.#plans.keys()].join(', ')
    throw new ConfigError(
      `credits: there is no plan ${got(plan)}: createCredits({ plans }) has ${known || 'none'}`,
    )
  }

  hasDefault(unit: Unit): boolean {
    return [...this.#plans.values()].some((plan) => plan.isDefault && plan.unit === unit)
  }

  /** A new account is on the default plan of its unit. */
  begin(rows: BookRows, account: AccountRow, at: number): void {
    const plan = [...this.#plans.values()].find(
      ({ isDefault, unit }) => isDefault && unit === account.unit,
    )
    if (plan === undefined) return
    this.#save(
      rows,
      account,
      this.#newRow(account, { id: 'default', plan: plan.id, quantity: 1, anchor: at }),
      at,
    )
    schedule(rows, account)
    rows.saveAccount(account)
  }

  /** Gives what periods include that have begun by now. */
  renew(rows: BookRows, account: AccountRow, at: number): void {
    for (const row of rowsOf(rows, account)) {
      if ((row.dueAt ?? Infinity) <= at) this.#renewRow(rows, account, row, at)
    }
  }

  /**
   * Puts an account on a plan. One that gives more than the account's own gives the difference at
   * once, and so do more of it; what gives less follows when the period is over. Where its periods begin
   * anew, what the old one left is over.
   * @throws RangeError where it is more than an account can hold.
   */
  subscribe(rows: BookRows, account: AccountRow, wanted: Subscribed, act: Act): void {
    const known = rows.objects.get(account.id, planRowId(wanted.id)) as PlanRow | undefined
    const { subscription = null } = wanted
    checkTotal(this.terms(wanted.plan), wanted.quantity)
    if (known === undefined || isOver(known, act.at)) {
      const row = this.#newRow(account, wanted)
      if (known !== undefined) row.version = known.version
      this.#pauseDefault(rows, account, wanted.id, act)
      this.#renewRow(rows, account, row, act.at)
    } else {
      known.state = { ...known.state, subscription, endsAt: this.#endOf(wanted) }
      this.#change(rows, account, known, wanted, act)
    }
    settled(rows, account, act)
  }

  /** Ends a plan: now, with what it included, or later. False where there is none. */
  end(rows: BookRows, account: AccountRow, id: string, endsAt: number, act: Act): boolean {
    const row = rows.objects.get(account.id, planRowId(id)) as PlanRow | undefined
    if (row === undefined || isOver(row, act.at)) return false
    row.state = { ...row.state, endsAt }
    if (endsAt <= act.at) cutOff(rows, account, row, act)
    this.#save(rows, account, row, act.at)
    this.#resumeDefault(rows, account, act.at)
    settled(rows, account, act)
    return true
  }

  /** The plans of an account that are not over. */
  live(rows: BookRows, account: AccountRow, at: number): readonly PlanRow[] {
    return rowsOf(rows, account).filter((row) => !isOver(row, at))
  }

  /** A plan for some periods ends by itself. */
  #endOf({ plan, anchor, endsAt = null }: Omit<Subscribed, 'id'>): number | null {
    const terms = this.terms(plan)
    if (terms.times === Infinity) return endsAt
    return Math.min(endsAt ?? Infinity, periodStart(terms, anchor, terms.times))
  }

  #newRow(account: AccountRow, wanted: Subscribed): PlanRow {
    const { id, plan, quantity, anchor, subscription = null } = wanted
    const endsAt = this.#endOf(wanted)
    const { isDefault } = this.terms(plan)
    const nothing = { from: null, until: null, given: '0', ...nothingNext } as const
    const isOfAll = isDefault && id === 'default'
    const of = { plan, quantity, anchor, subscription, endsAt, isDefault: isOfAll }
    const state: PlanState = { ...nothing, ...of }
    return {
      account: account.id,
      id: planRowId(id),
      kind: 'plan',
      state,
      version: 0,
      dueAt: anchor,
      at: 0,
    }
  }

  #renewRow(rows: BookRows, account: AccountRow, row: PlanRow, at: number): void {
    const plan = this.#plans.get(row.state.next ?? row.state.plan)
    if (plan === undefined || isOver(row, at)) {
      // Its plan is no more: what was given stays, and nothing follows.
      row.dueAt = null
      rows.objects.save(row)
      return
    }
    const quantity = row.state.nextQuantity ?? row.state.quantity
    row.state = { ...row.state, plan: plan.id, quantity, ...nothingNext }
    const period = periodAt(plan, row.state.anchor, at)
    const isSame = row.state.from === period.from
    row.state = { ...row.state, from: period.from, until: period.until }
    if (!isSame) row.state = { ...row.state, given: '0' }
    const isPaused = row.state.isDefault && this.#others(rows, account, row, at).length > 0
    if (!isPaused) this.#give(rows, account, row, plan, at)
    this.#save(rows, account, row, at)
  }

  /** What of the plan was not given in this period yet. */
  #give(rows: BookRows, account: AccountRow, row: PlanRow, plan: PlanTerms, at: number): void {
    const { from, until, quantity } = row.state
    if (from === null || until === null) return
    const total = plan.amount * BigInt(quantity)
    const given = BigInt(row.state.given) || goOn(rows, account, row, total, at)
    const amount = total - given
    if (amount < 0n) return
    // A trial is given once, whenever it is begun again.
    const number =
      plan.times === Infinity ? undefined : periodAt(plan, row.state.anchor, from).number
    const period = number ?? new Date(from).toISOString()
    const key = `${row.id}:${plan.id}:${period}:${formatAmount(total, plan.unit)}`
    if (amount > 0n && rows.grantByKey(account.id, key) === undefined) {
      const { priority } = plan
      const times = { effectiveAt: from < account.createdAt ? at : from, expiresAt: until }
      const terms = {
        kind: 'plan',
        priority,
        source: sourceOf(row, from),
        idempotencyKey: key,
      } as const
      rows.addGrant({ ...plainGrant(account.id, amount, at), ...terms, ...times })
    }
    row.state = { ...row.state, given: String(total) }
  }

  #change(rows: BookRows, account: AccountRow, row: PlanRow, wanted: Subscribed, act: Act): void {
    const { at } = act
    const old = this.#plans.get(row.state.plan)
    const plan = this.terms(wanted.plan)
    const isSameRhythm =
      old !== undefined &&
      row.state.anchor === wanted.anchor &&
      old.period === plan.period &&
      old.every === plan.every &&
      old.timeZone === plan.timeZone
    const { quantity } = wanted
    const isLess =
      old !== undefined && plan.amount * BigInt(quantity) < old.amount * BigInt(row.state.quantity)
    if (isSameRhythm && isLess) {
      row.state = { ...row.state, next: plan.id, nextQuantity: quantity }
      this.#save(rows, account, row, at)
      return
    }
    if (!isSameRhythm) cutOff(rows, account, row, act)
    const endsAt = this.#endOf(wanted)
    row.state = {
      ...row.state,
      plan: plan.id,
      quantity,
      anchor: wanted.anchor,
      ...nothingNext,
      endsAt,
    }
    this.#renewRow(rows, account, row, at)
  }

  #pauseDefault(rows: BookRows, account: AccountRow, id: string, act: Act): void {
    if (id === 'default') return
    for (const row of rowsOf(rows, account)) {
      if (!row.state.isDefault || isOver(row, act.at)) continue
      const { from, until, given } = row.state
      cutOff(rows, account, row, act)
      // Its period goes on: it is not given a second time where the other plan ends meanwhile.
      row.state = { ...row.state, from, until, given }
      rows.objects.save(row)
    }
  }

  /** Where no other plan is left, the default one is given from its next look on. */
  #resumeDefault(rows: BookRows, account: AccountRow, at: number): void {
    for (const row of rowsOf(rows, account)) {
      if (row.state.isDefault && !isOver(row, at)) this.#renewRow(rows, account, row, at)
    }
  }

  #others(rows: BookRows, account: AccountRow, row: PlanRow, at: number): readonly PlanRow[] {
    return rowsOf(rows, account).filter((other) => other.id !== row.id && !isOver(other, at))
  }

  #save(rows: BookRows, account: AccountRow, row: PlanRow, at: number): void {
    const plan = this.#plans.get(row.state.next ?? row.state.plan)
    row.dueAt = dueAtOf(row, plan)
    row.version++
    row.at = at
    rows.objects.save(row)
    if (row.dueAt !== null && row.dueAt < (account.nextDueAt ?? Infinity)) {
      account.nextDueAt = row.dueAt
      rows.saveAccount(account)
    }
  }
}

const nothingNext = { next: null, nextQuantity: null } as const

/** @throws RangeError before anything is written. */
function checkTotal({ id, amount }: PlanTerms, quantity: number): void {
  if (amount * BigInt(quantity) <= maxParts) return
  throw new RangeError(`${quantity} of the plan "${id}" are more than an account can hold`)
}

/** When a plan's next period begins; never where it has ended by then. */
function dueAtOf({ state, dueAt }: PlanRow, plan: PlanTerms | undefined): number | null {
  const { until, endsAt, from } = state
  if (plan === undefined) return null
  const next = from === null ? dueAt : until
  return next === null || (endsAt !== null && endsAt <= next) ? null : next
}

/** What was changed takes effect at once. */
function settled(rows: BookRows, account: AccountRow, act: Act): void {
  schedule(rows, account)
  rows.saveAccount(account)
  due(rows, account, act)
}

function rowsOf(rows: BookRows, account: AccountRow): readonly PlanRow[] {
  return rows.objects.of(account.id, 'plan') as readonly PlanRow[]
}

function isOver({ state: { endsAt } }: PlanRow, at: number): boolean {
  return endsAt !== null && endsAt <= at
}
