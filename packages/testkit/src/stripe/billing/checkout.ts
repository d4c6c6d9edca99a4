import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import { amountOf } from './amounts.ts'
import type { StripeBooks } from './books.ts'
import type { Invoices } from './invoices.ts'
import type { Session, SessionLine } from './objects.ts'
import type { Payments } from './payments.ts'
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
import type { Subscriptions } from './subscriptions.ts'

/**
 * - `paid`: at once, as by card.
 * - `processing`: the money is on its way, as by bank debit.
 */
export type CheckoutOutcome = 'paid' | 'processing'

export interface Checkout {
  readonly endpoints: readonly FakeEndpoint[]
  /** The customer has filled in the page. */
  complete(id: string, outcome: CheckoutOutcome): void
  /** Money that was on its way has come, or has not. */
  settle(id: string, isPaid: boolean): void
}

export function createCheckout(
  books: StripeBooks,
  keys: IdempotencyKeys,
  { payments, invoices, subscriptions }: Parts,
): Checkout {
  const linesOf = new Map<string, SessionLine[]>()
  const wantsInvoice = new Set<string>()
  const sessionOf = (id: string) => found(books.get('checkout.session', id), 'checkout session', id)

  function create(params: Params): Session {
    const mode = (text(params['mode']) ?? 'payment') as 'payment' | 'subscription'
    const lines = listParam(params['line_items']).map((line): SessionLine => {
      const price = found(books.get('price', line['price']), 'price', line['price'])
      const quantity = whole(line['quantity'], 'quantity') ?? 1
      const amount =
        price.recurring?.usage_type === 'metered' ? 0 : amountOf(price, BigInt(quantity))
      const amounts = {
        amount_discount: 0,
        amount_subtotal: amount,
        amount_tax: 0,
        amount_total: amount,
      }
      const of = { currency: price.currency, description: null, quantity, price }
      return { id: `li_${linesOf.size}_${price.id}`, object: 'item', ...amounts, ...of }
    })
    if (lines.length === 0) refuse('Missing required param: line_items.')
    const total = lines.reduce((sum, { amount_total: amount }) => sum + amount, 0)
    const session = books.add('checkout.session', {
      created: books.seconds(),
      livemode: true,
      amount_subtotal: total,
      amount_total: total,
      client_reference_id: text(params['client_reference_id']) ?? null,
      currency: lines[0]?.currency ?? 'usd',
      customer: text(params['customer']) ?? null,
      expires_at: books.seconds() + 86_400,
      invoice: null,
      metadata: metadataOf(params),
      mode,
      payment_intent: null,
      payment_status: total === 0 ? 'no_payment_required' : 'unpaid',
      status: 'open',
      subscription: null,
      success_url: text(params['success_url']) ?? null,
      url: 'https://checkout.stripe.com/c/pay/fake',
    })
    linesOf.set(session.id, lines)
    const { enabled } = (params['invoice_creation'] ?? {}) as Params
    if (enabled === 'true') wantsInvoice.add(session.id)
    return session
  }

  function paid(session: Session): void {
    session.payment_status = 'paid'
    if (!wantsInvoice.has(session.id)) return
    const now = { start: books.seconds(), end: books.seconds() }
    const lines = (linesOf.get(session.id) ?? []).map(
      ({ price, quantity, amount_total: amount }) => ({
        price,
        quantity: quantity ?? 1,
        amount,
        period: now,
      }),
    )
    const paidBy = String(session.payment_intent)
    const invoice = invoices.issue({
      customer: String(session.customer),
      lines,
      reason: 'manual',
      paidBy,
    })
    session.invoice = invoice.id
  }

  return {
    complete(id, outcome) {
      const session = sessionOf(id)
      if (session.status !== 'open') refuse(`This session is ${session.status}.`)
      session.status = 'complete'
      if (session.mode === 'subscription') {
        const items = (linesOf.get(id) ?? []).map(({ price, quantity }) => ({
          price: price.id,
          quantity: quantity ?? 1,
        }))
        const made = subscriptions.create(String(session.customer), items)
        session.subscription = made.id
        session.invoice = made.latest_invoice as string | null
        session.payment_status = 'paid'
      } else if ((session.amount_total ?? 0) > 0) {
        const { amount_total: amount, currency, customer } = session
        const isPaid = outcome === 'paid'
        const of = customer as string | null
        session.payment_intent = payments.pay(amount ?? 0, currency ?? 'usd', of, isPaid).id
        if (isPaid) paid(session)
      }
      books.emit('checkout.session.completed', session)
    },
    settle(id, isPaid) {
      const session = sessionOf(id)
      const intent = books.get('payment_intent', session.payment_intent)
      if (isPaid && intent !== undefined) {
        payments.settle(intent)
        paid(session)
      }
      books.emit(`checkout.session.async_payment_${isPaid ? 'succeeded' : 'failed'}`, session)
    },
    endpoints: [
      route('checkout', ['POST', '/v1/checkout/sessions'], keys, create),
      route('checkout', ['GET', '/v1/checkout/sessions/:id'], keys, (_, id = '') => sessionOf(id)),
      route('checkout', ['GET', '/v1/checkout/sessions'], keys, (params) =>
        page(
          books.all('checkout.session', (session) =>
            filters.every((name) => params[name] === undefined || session[name] === params[name]),
          ),
          params,
          '/v1/checkout/sessions',
        ),
      ),
      route('checkout', ['GET', '/v1/checkout/sessions/:id/line_items'], keys, (params, id = '') =>
        page(linesOf.get(sessionOf(id).id) ?? [], params, `/v1/checkout/sessions/${id}/line_items`),
      ),
    ],
  }
}

/** What a list of sessions is asked for by. */
const filters = ['customer', 'payment_intent', 'status', 'subscription'] as const

interface Parts {
  readonly payments: Payments
  readonly invoices: Invoices
  readonly subscriptions: Subscriptions
}
