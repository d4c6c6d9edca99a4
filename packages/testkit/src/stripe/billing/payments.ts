import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import type { StripeBooks } from './books.ts'
import type { Charge, Dispute, PaymentIntent, Refund } from './objects.ts'
import { found, page, type Params, refuse, route, text, whole } from './routes.ts'

/** Money that moves: payment intents and their charges, refunds, disputes. */
export interface Payments {
  readonly endpoints: readonly FakeEndpoint[]
  /** A payment that came, or did not. */
  pay(amount: number, currency: string, customer: string | null, isPaid: boolean): PaymentIntent
  /** One that was on its way has come. */
  settle(intent: PaymentIntent): void
  refund(intent: string, amount?: number): Refund
  /** Money that could not be given back. */
  failRefund(id: string): void
  dispute(intent: string, amount?: number): Dispute
  closeDispute(id: string, status: 'won' | 'lost' | 'appeal_under_review'): void
}

export function createPayments(books: StripeBooks, keys: IdempotencyKeys): Payments {
  const common = () => ({ created: books.seconds(), livemode: true })

  function charge(intent: PaymentIntent): Charge {
    const { amount, currency, customer, id } = intent
    const state = { amount_refunded: 0, disputed: false, refunded: false, paid: true } as const
    const of = {
      customer: customer as string | null,
      payment_intent: id,
      status: 'succeeded',
    } as const
    const made = books.add('charge', {
      ...common(),
      amount,
      amount_captured: amount,
      currency,
      ...state,
      ...of,
    })
    intent.latest_charge = made.id
    intent.amount_received = amount
    intent.status = 'succeeded'
    books.emit('payment_intent.succeeded', intent)
    books.emit('charge.succeeded', made)
    return made
  }

  function chargeOf(intent: unknown): Charge {
    const { latest_charge: id } = found(
      books.get('payment_intent', intent),
      'payment_intent',
      intent,
    )
    return found(books.get('charge', id), 'charge', id)
  }

  function refundOf(of: Charge, wanted = of.amount - of.amount_refunded): Refund {
    if (wanted <= 0 || wanted > of.amount - of.amount_refunded) {
      refuse(`Refund amount (${wanted}) is greater than unrefunded amount on charge.`)
    }
    const { id, currency, payment_intent } = of
    const { created } = common()
    const fields = { amount: wanted, charge: id, currency, payment_intent, reason: null } as const
    const refund = books.add('refund', { created, ...fields, status: 'succeeded' })
    of.amount_refunded += wanted
    of.refunded = of.amount_refunded === of.amount
    books.emit('refund.created', refund)
    books.emit('charge.refunded', of)
    return refund
  }

  const refund = (intent: string, amount?: number) => refundOf(chargeOf(intent), amount)
  const byPayment =
    ({ payment_intent: intent, charge: of }: Params) =>
    (one: Refund | Dispute) =>
      (intent === undefined || one.payment_intent === intent) &&
      (of === undefined || one.charge === of)

  return {
    pay(amount, currency, customer, isPaid) {
      const intent = books.add('payment_intent', {
        ...common(),
        amount,
        amount_received: 0,
        currency,
        customer,
        latest_charge: null,
        metadata: {},
        status: 'requires_payment_method',
      })
      if (isPaid) charge(intent)
      return intent
    },
    settle: (intent) => void charge(intent),
    refund,
    failRefund(id) {
      const one = found(books.get('refund', id), 'refund', id)
      const of = found(books.get('charge', one.charge), 'charge', one.charge)
      one.status = 'failed'
      of.amount_refunded -= one.amount
      of.refunded = false
      books.emit('refund.failed', one)
      books.emit('charge.refund.updated', one)
    },
    dispute(intent, amount) {
      const of = chargeOf(intent)
      const { id, currency, payment_intent } = of
      const fields = { charge: id, currency, payment_intent, reason: 'fraudulent' }
      const status = 'needs_response'
      of.disputed = true
      const one = books.add('dispute', {
        ...common(),
        amount: amount ?? of.amount,
        ...fields,
        status,
      })
      books.emit('charge.dispute.created', one)
      books.emit('charge.dispute.funds_withdrawn', one)
      return one
    },
    closeDispute(id, status) {
      const one = found(books.get('dispute', id), 'dispute', id)
      one.status = status
      if (status === 'won') books.emit('charge.dispute.funds_reinstated', one)
      books.emit('charge.dispute.closed', one)
    },
    endpoints: [
      route('payment_intents', ['GET', '/v1/payment_intents/:id'], keys, (_, id = '') =>
        found(books.get('payment_intent', id), 'payment_intent', id),
      ),
      route('charges', ['GET', '/v1/charges/:id'], keys, (_, id = '') =>
        found(books.get('charge', id), 'charge', id),
      ),
      route('refunds', ['POST', '/v1/refunds'], keys, (params) => {
        const amount = whole(params['amount'], 'amount')
        const intent = text(params['payment_intent'])
        if (intent !== undefined) return refund(intent, amount)
        return refundOf(
          found(books.get('charge', params['charge']), 'charge', params['charge']),
          amount,
        )
      }),
      route('refunds', ['GET', '/v1/refunds'], keys, (params) =>
        page(books.all('refund', byPayment(params)), params, '/v1/refunds'),
      ),
      route('refunds', ['GET', '/v1/refunds/:id'], keys, (_, id = '') =>
        found(books.get('refund', id), 'refund', id),
      ),
      route('disputes', ['GET', '/v1/disputes'], keys, (params) =>
        page(books.all('dispute', byPayment(params)), params, '/v1/disputes'),
      ),
      route('disputes', ['GET', '/v1/disputes/:id'], keys, (_, id = '') =>
        found(books.get('dispute', id), 'dispute', id),
      ),
    ],
  }
}
