import type { Actor } from '../amount.ts'

/** A plan that an account is on. Times are ms since the epoch. */
export interface PlanOfCustomer {
  /** Its name beside others of the account; `'default'` and `'main'`, or Stripe's subscription item. */
  readonly id: string
  readonly plan: string
  /** How many of it, such as seats: a period includes so many times the plan's amount. */
  readonly quantity: number
  /** The period that it is in; `null` before its first. */
  readonly period: { readonly from: number; readonly until: number } | null
  /** The plan that follows when the period is over: a downgrade waits for that, and so do fewer of a plan. */
  readonly next: string | null
  /** How many of it; `null` where nothing follows. */
  readonly nextQuantity: number | null
  /** When it ends. */
  readonly endsAt: number | null
}

export interface SubscribeOptions extends Actor {
  /** One of `createCredits({ plans })`. */
  readonly plan: string
  /**
   * How many of it, such as seats: a period includes so many times the plan's amount.
   * @default the one it has, else 1
   */
  readonly quantity?: number
  /** Its name beside others of the customer's, such as an add-on. @default 'main' */
  readonly id?: string
  /**
   * Where its periods begin, in ms since the epoch or as a `Date`. Another one than it has begins its
   * periods anew. @default the one it has, else now
   */
  readonly anchor?: number | Date
}

export interface UnsubscribeOptions extends Actor {
  /** @default 'main' */
  readonly id?: string
  /** `now`: what it included and is not used is over too. @default 'period end' */
  readonly at?: 'period end' | 'now'
}

/** Plans by hand. Stripe's subscriptions do the same by the webhook. */
export interface PlanVerbs {
  /**
   * Puts a customer on a plan, or on another one: a larger one, or more of it, gives the difference at
   * once, a smaller one, or fewer, follows when the period is over. The same again changes nothing.
   * @throws ConfigError for a wrong option, and where `createCredits({ plans })` has no such plan; RangeError for a plan with parts of
   * a cent, where the account is mirrored to Stripe, and for more than an account can hold.
   */
  subscribe(customer: string, options: SubscribeOptions): Promise<PlanOfCustomer>
  /** Ends a plan. Returns false where the customer is on none of this name. */
  unsubscribe(customer: string, options?: UnsubscribeOptions): Promise<boolean>
  /** The plans that a customer is on. */
  plansOf(customer: string): Promise<readonly PlanOfCustomer[]>
}
