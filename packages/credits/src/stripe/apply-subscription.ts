import type Stripe from 'stripe'
import { erasedOwner } from '../books/erased.ts'
import { type Act, openAccount } from '../books/operations.ts'
import type { AccountKey, BookRows } from '../books/rows.ts'
import type { PlanBook } from '../plans/plan-book.ts'
import { planIdOf } from '../plans/plan-row.ts'
import { planMetadata } from './packs.ts'

/** A subscription's item whose price is a plan. */
export interface SubscribedPlan {
  readonly item: string
  readonly plan: string
  /** How many of it: seats. */
  readonly quantity: number
}

/** What a subscription at Stripe includes by now. Times are ms since the epoch. */
export interface SubscriptionStanding {
  readonly id: string
  readonly isLive: boolean
  readonly anchor: number
  readonly endsAt: number | null
  readonly plans: readonly SubscribedPlan[]
}

/** While a payment is late it goes on: an account is blocked for that when its grace is over. */
const live: readonly string[] = ['active', 'trialing', 'past_due']

export function standingOf(
  { id, status, billing_cycle_anchor: anchor, cancel_at: cancelAt }: Stripe.Subscription,
  items: readonly Stripe.SubscriptionItem[],
): SubscriptionStanding {
  return {
    id,
    isLive: live.includes(status),
    anchor: anchor * 1000,
    endsAt: cancelAt === null ? null : cancelAt * 1000,
    plans: items.flatMap(({ id: item, price, quantity = 1 }) => {
      const plan = price.metadata[planMetadata]
      // None of it is none: nothing is paid for it.
      return plan === undefined || quantity <= 0 ? [] : [{ item, plan, quantity }]
    }),
  }
}

/**
 * Brings an account's plans to what a subscription is at Stripe. One that is over stays so. False where
 * somebody else has applied it since it was read.
 */
export function applySubscription(
  rows: BookRows,
  wanted: AccountKey,
  {
    standing,
    plans,
    version,
  }: {
    readonly standing: SubscriptionStanding
    readonly plans: PlanBook
    readonly version: number
  },
  act: Act,
): boolean {
  const { id, isLive, anchor, endsAt } = standing
  const key = erasedOwner(rows, wanted, { objects: [id] }) ?? wanted
  const own = standing.plans.filter(
    ({ plan }) => plans.has(plan) && plans.terms(plan).unit === key.unit,
  )
  const found = rows.account(key)
  const known = found && rows.objects.get(found.id, id)
  if (known === undefined && !(isLive && own.length > 0)) return true
  const account = openAccount(rows, key, act)
  if ((known?.version ?? 0) !== version) return false
  for (const { item, plan, quantity } of isLive ? own : []) {
    const wanted = { id: item, plan, quantity, anchor, subscription: id, endsAt }
    plans.subscribe(rows, account, wanted, act)
  }
  for (const row of plans.live(rows, account, act.at)) {
    const item = planIdOf(row)
    const isGone = !isLive || !own.some((one) => one.item === item)
    if (row.state.subscription === id && isGone) plans.end(rows, account, item, act.at, act)
  }
  rows.objects.save({
    account: account.id,
    id,
    kind: 'subscription',
    state: { isLive },
    version: version + 1,
    dueAt: null,
    at: act.at,
  })
  return true
}
