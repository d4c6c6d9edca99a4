import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import type { MeterEventParams } from '../meter-event-params.ts'
import { meterId } from '../meters-endpoint.ts'
import { amountOf } from './amounts.ts'
import type { StripeBooks } from './books.ts'
import type { Invoices, NewLine } from './invoices.ts'
import { listOf, type Subscription, type SubscriptionItem } from './objects.ts'
import {
  found,
  listParam,
  metadataOf,
  page,
  type Params,
  refuse,
  route,
  text,
  whole,
} from './routes.ts'

export interface NewItem {
  readonly price: string
  readonly quantity: number
}

export interface Subscriptions {
  readonly endpoints: readonly FakeEndpoint[]
  create(customer: string, items: readonly NewItem[], options?: NewSubscription): Subscription
  /** Its period is over: what was used is billed, and the next one begins. Returns the invoice's id. */
  endPeriod(id: string): string | null
  setStatus(id: string, status: Subscription['status']): void
}

interface NewSubscription {
  readonly metadata?: Record<string, string>
  /** Whole seconds. */
  readonly trialEnd?: number | undefined
}

export function createSubscriptions(
  books: StripeBooks,
  keys: IdempotencyKeys,
  { invoices, meterEvents }: Parts,
): Subscriptions {
  const subscriptionOf = (id: unknown) => found(books.get('subscription', id), 'subscription', id)

  function addItem(
    of: Subscription,
    { price: id, quantity }: NewItem,
    from: number,
    until: number,
  ) {
    const price = found(books.get('price', id), 'price', id)
    if (price.recurring === null) refuse(`The price ${id} is not recurring.`)
    const item = books.add('subscription_item', {
      created: books.seconds(),
      current_period_start: from,
      current_period_end: until,
      metadata: {},
      price,
      subscription: of.id,
      ...(price.recurring?.usage_type === 'licensed' && { quantity }),
    })
    of.items.data.push(item)
  }

  function create(customer: string, items: readonly NewItem[], options: NewSubscription = {}) {
    const { metadata = {}, trialEnd } = options
    found(books.get('customer', customer), 'customer', customer)
    const now = books.seconds()
    const isTrial = trialEnd !== undefined && trialEnd > now
    const made = books.add('subscription', {
      created: now,
      livemode: true,
      billing_cycle_anchor: isTrial ? trialEnd : now,
      cancel_at: null,
      cancel_at_period_end: false,
      canceled_at: null,
      currency: 'usd',
      customer,
      ended_at: null,
      items: listOf<SubscriptionItem>([]),
      latest_invoice: null,
      metadata,
      start_date: now,
      status: isTrial ? 'trialing' : 'active',
      trial_end: isTrial ? trialEnd : null,
      trial_start: isTrial ? now : null,
    })
    for (const item of items) {
      addItem(made, item, now, isTrial ? trialEnd : monthAfter(now, made.billing_cycle_anchor))
    }
    books.emit('customer.subscription.created', made)
    bill(made, isTrial ? [] : made.items.data.flatMap(licensed), 'subscription_create')
    return made
  }

  function bill(
    of: Subscription,
    lines: readonly NewLine[],
    reason: 'subscription_create' | 'subscription_cycle',
  ) {
    const invoice = invoices.issue({
      customer: String(of.customer),
      lines,
      reason,
      subscription: of.id,
    })
    of.latest_invoice = invoice.id
    if (invoice.status !== 'paid') {
      of.status = 'past_due'
      books.emit('customer.subscription.updated', of)
    }
  }

  function licensed(item: SubscriptionItem): readonly NewLine[] {
    const { price, quantity = 1, current_period_start: start, current_period_end: end } = item
    if (price.recurring?.usage_type !== 'licensed') return []
    const amount = amountOf(price, BigInt(quantity))
    return [{ price, quantity, amount, period: { start, end }, item: named(item) }]
  }

  function metered(customer: string, item: SubscriptionItem): readonly NewLine[] {
    const { price, current_period_start: start, current_period_end: end } = item
    if (price.recurring?.usage_type !== 'metered') return []
    const used = meterEvents()
      .filter(
        ({ event_name: name, payload, timestamp = 0 }) =>
          meterId(name) === price.recurring?.meter &&
          payload['stripe_customer_id'] === customer &&
          timestamp >= start * 1000 &&
          timestamp < end * 1000,
      )
      .reduce((sum, { payload }) => sum + BigInt(payload['value'] ?? '0'), 0n)
    const amount = amountOf(price, used)
    return [{ price, quantity: Number(used), amount, period: { start, end }, item: named(item) }]
  }

  function cancel(of: Subscription): Subscription {
    of.status = 'canceled'
    of.canceled_at = books.seconds()
    of.ended_at = books.seconds()
    books.emit('customer.subscription.deleted', of)
    return of
  }

  function update(params: Params, id: string): Subscription {
    const of = subscriptionOf(id)
    const [{ current_period_start: from, current_period_end: until } = neverBilled] = of.items.data
    for (const wanted of listParam(params['items'])) {
      const item = of.items.data.find((one) => one.id === wanted['id'])
      const price = text(wanted['price'])
      if (item === undefined && price !== undefined) {
        addItem(of, { price, quantity: whole(wanted['quantity'], 'quantity') ?? 1 }, from, until)
      } else if (wanted['deleted'] === 'true') {
        of.items.data = of.items.data.filter((one) => one !== item)
      } else if (item !== undefined) {
        if (price !== undefined) item.price = found(books.get('price', price), 'price', price)
        const quantity = whole(wanted['quantity'], 'quantity')
        if (quantity !== undefined) item.quantity = quantity
      }
    }
    const { cancel_at_period_end: atEnd, trial_end: trialEnd } = params
    if (atEnd !== undefined) {
      of.cancel_at_period_end = atEnd === 'true'
      of.cancel_at = atEnd === 'true' ? until : null
    }
    if (trialEnd === 'now') endTrial(of)
    books.emit('customer.subscription.updated', of)
    return of
  }

  function endTrial(of: Subscription) {
    of.status = 'active'
    of.billing_cycle_anchor = books.seconds()
    of.trial_end = books.seconds()
  }

  return {
    create,
    setStatus(id, status) {
      const of = subscriptionOf(id)
      of.status = status
      books.emit('customer.subscription.updated', of)
    },
    endPeriod(id) {
      const of = subscriptionOf(id)
      const customer = String(of.customer)
      const used = of.items.data.flatMap((item) => metered(customer, item))
      if (of.cancel_at_period_end) {
        cancel(of)
        if (used.length > 0) bill(of, used, 'subscription_cycle')
        return of.latest_invoice as string | null
      }
      if (of.status === 'trialing') of.status = 'active'
      for (const item of of.items.data) {
        item.current_period_start = item.current_period_end
        item.current_period_end = monthAfter(item.current_period_start, of.billing_cycle_anchor)
      }
      books.emit('customer.subscription.updated', of)
      bill(of, [...used, ...of.items.data.flatMap(licensed)], 'subscription_cycle')
      return of.latest_invoice as string
    },
    endpoints: [
      route('subscriptions', ['POST', '/v1/subscriptions'], keys, (params) => {
        const customer = text(params['customer']) ?? refuse('Missing required param: customer.')
        const items = listParam(params['items']).map(({ price, quantity }) => ({
          price: text(price) ?? refuse('Missing required param: items[0][price].'),
          quantity: whole(quantity, 'quantity') ?? 1,
        }))
        const trialEnd = whole(params['trial_end'], 'trial_end')
        return create(customer, items, { metadata: metadataOf(params), trialEnd })
      }),
      route('subscriptions', ['GET', '/v1/subscriptions/:id'], keys, (_, id = '') => {
        const of = subscriptionOf(id)
        return {
          ...of,
          items: page(of.items.data, {}, `/v1/subscription_items?subscription=${id}`),
        }
      }),
      route('subscription_items', ['GET', '/v1/subscription_items'], keys, (params) =>
        page(subscriptionOf(params['subscription']).items.data, params, '/v1/subscription_items'),
      ),
      route('subscriptions', ['POST', '/v1/subscriptions/:id'], keys, (params, id = '') =>
        update(params, id),
      ),
      route('subscriptions', ['DELETE', '/v1/subscriptions/:id'], keys, (_, id = '') =>
        cancel(subscriptionOf(id)),
      ),
    ],
  }
}

interface Parts {
  readonly invoices: Invoices
  /** Everything that was metered. */
  readonly meterEvents: () => readonly MeterEventParams[]
}

const neverBilled = { current_period_start: 0, current_period_end: 0 }

function named({ id, subscription }: SubscriptionItem) {
  return { id, subscription }
}

/** The next time that a month from the anchor is over; on the last day of months without its day. */
function monthAfter(seconds: number, anchorSeconds: number): number {
  const anchor = new Date(anchorSeconds * 1000)
  for (let count = 0; ; count++) {
    const next = new Date(anchor)
    next.setUTCDate(1)
    next.setUTCMonth(anchor.getUTCMonth() + count)
    const last = new Date(Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 0)).getUTCDate()
    next.setUTCDate(Math.min(anchor.getUTCDate(), last))
    if (next.getTime() > seconds * 1000) return Math.floor(next.getTime() / 1000)
  }
}
