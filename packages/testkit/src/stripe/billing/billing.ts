import type { FakeEndpoint } from '../fake-endpoint.ts'
import { createIdempotencyKeys } from '../idempotency-keys.ts'
import type { MeterEventParams } from '../meter-event-params.ts'
import { createStripeBooks, type StripeBooks } from './books.ts'
import { catalogEndpoints } from './catalog.ts'
import { type CheckoutOutcome, createCheckout } from './checkout.ts'
import { createCreditGrants } from './credit-grants.ts'
import { creditNoteEndpoints } from './credit-notes.ts'
import { createInvoices } from './invoices.ts'
import type { Objects } from './objects.ts'
import { createPayments } from './payments.ts'
import { createSubscriptions } from './subscriptions.ts'
import {
  createWebhooks,
  type Delivered,
  type DeliverOptions,
  type StripeEvent,
} from './webhooks.ts'

/**
 * What customers, banks and time do at Stripe, which no request of an application does. What comes of
 * it is read with Stripe's own client, and is told to webhooks by `deliver`. Each throws an Error for the
 * id of an object that there is not.
 */
export interface FakeBilling {
  /** The customer has filled in a Checkout page, and paid; or the money is on its way. */
  completeCheckout(session: string, outcome?: CheckoutOutcome): void
  /** Money that was on its way has come, or never will. */
  settleCheckout(session: string, outcome: 'paid' | 'failed'): void
  /** From now on a customer's card is declined, or is not any more. */
  declineCard(customer: string, isDeclined?: boolean): void
  /**
   * The period of a subscription is over: what was used is billed, credit is drawn, and the next period
   * begins. Returns the id of the invoice.
   */
  endPeriod(subscription: string): string | null
  /** As Stripe does where its payments have failed for good, or somebody pauses it. */
  setSubscription(
    subscription: string,
    status: 'active' | 'past_due' | 'unpaid' | 'paused' | 'incomplete',
  ): void
  /**
   * Bills a customer outside of subscriptions; a discount is in cents. Returns the id of the invoice.
   */
  invoice(
    customer: string,
    lines: readonly {
      readonly price: string
      readonly quantity?: number
      readonly discount?: number
      readonly isProration?: boolean
    }[],
  ): string
  /** A bank takes a payment back, for the time being. Returns the dispute's id. */
  dispute(paymentIntent: string, amount?: number): string
  /** Its bank has decided; a decision may be appealed. */
  closeDispute(dispute: string, status: 'won' | 'lost' | 'appeal_under_review'): void
  /** A refund could not be paid out. */
  failRefund(refund: string): void
  /** Everything that happened, the oldest first. */
  readonly events: readonly StripeEvent[]
  /**
   * Posts events to the webhooks that were made by `webhookEndpoints.create` or
   * `v2.core.eventDestinations.create`, one after another, signed. What is not answered with 2xx is
   * posted again by the next call.
   */
  deliver(options?: DeliverOptions): Promise<readonly Delivered[]>
}

/** Stripe's objects beside meter events. */
export function createBilling({
  now,
  meterEvents,
}: {
  readonly now: () => number
  readonly meterEvents: () => readonly MeterEventParams[]
}): { readonly billing: FakeBilling; readonly endpoints: readonly FakeEndpoint[] } {
  const keys = createIdempotencyKeys()
  const webhooks = createWebhooks(keys, now)
  const books = createStripeBooks(now, webhooks.emit)
  const declined = new Set<string>()
  const check = checkIn(books)
  const payments = createPayments(books, keys)
  const credits = createCreditGrants(books, keys)
  const declines = (customer: string) => declined.has(customer)
  const invoices = createInvoices(books, keys, { payments, credits, declines })
  const subscriptions = createSubscriptions(books, keys, { invoices, meterEvents })
  const checkout = createCheckout(books, keys, { payments, invoices, subscriptions })
  return {
    endpoints: [
      ...catalogEndpoints(books, keys),
      ...payments.endpoints,
      ...credits.endpoints,
      ...invoices.endpoints,
      ...creditNoteEndpoints(books, keys, payments),
      ...subscriptions.endpoints,
      ...checkout.endpoints,
      ...webhooks.endpoints,
    ],
    billing: {
      completeCheckout: (session, outcome = 'paid') => {
        check('completeCheckout', 'checkout.session', session)
        checkout.complete(session, outcome)
      },
      settleCheckout: (session, outcome) => {
        check('settleCheckout', 'checkout.session', session)
        checkout.settle(session, outcome === 'paid')
      },
      declineCard: (customer, isDeclined = true) => {
        check('declineCard', 'customer', customer)
        if (isDeclined) declined.add(customer)
        else declined.delete(customer)
      },
      endPeriod: (subscription) => {
        check('endPeriod', 'subscription', subscription)
        return subscriptions.endPeriod(subscription)
      },
      setSubscription: (subscription, status) => {
        check('setSubscription', 'subscription', subscription)
        subscriptions.setStatus(subscription, status)
      },
      invoice: (customer, lines) => {
        check('invoice', 'customer', customer)
        const period = { start: books.seconds(), end: books.seconds() }
        const made = lines.map(({ price: id, quantity = 1, discount = 0, isProration = false }) => {
          const price = check('invoice', 'price', id)
          const amount = Math.round(Number(price.unit_amount ?? 0)) * quantity
          return { price, quantity, amount, period, discount, isProration }
        })
        return invoices.issue({ customer, lines: made, reason: 'manual' }).id
      },
      dispute: (intent, amount) => {
        check('dispute', 'payment_intent', intent)
        return payments.dispute(intent, amount).id
      },
      closeDispute: (dispute, status) => {
        check('closeDispute', 'dispute', dispute)
        payments.closeDispute(dispute, status)
      },
      failRefund: (refund) => {
        check('failRefund', 'refund', refund)
        payments.failRefund(refund)
      },
      events: webhooks.events,
      deliver: webhooks.deliver,
    },
  }
}

/** Where a test has the id of an object from. */
const origins = {
  'checkout.session': 'stripe.checkout.sessions.create() returns it',
  customer: 'stripe.customers.create() returns it',
  subscription:
    'stripe.subscriptions.create() returns it, and a session of Checkout that was completed has it',
  price: 'stripe.prices.create() returns it',
  payment_intent:
    'a session of Checkout has one once completeCheckout() was called and it is retrieved again, and an invoice once it is paid',
  dispute: 'dispute() returns it',
  refund: 'stripe.refunds.create() returns it',
} as const

function checkIn(books: StripeBooks) {
  return <Kind extends keyof typeof origins>(
    verb: keyof FakeBilling,
    kind: Kind,
    id: string,
  ): Objects[Kind] => {
    const object = books.get(kind, id)
    if (object !== undefined) return object
    const named = kind.replace(/[._]/, ' ')
    const given = typeof id === 'string' ? `'${id}'` : String(id)
    throw new Error(
      `The fake Stripe's billing.${verb}(): there is no ${named} ${given}. Its id: ${origins[kind]}`,
    )
  }
}
