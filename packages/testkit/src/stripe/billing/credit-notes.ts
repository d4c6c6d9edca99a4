import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import type { StripeBooks } from './books.ts'
import type { CreditNote } from './objects.ts'
import type { Payments } from './payments.ts'
import { found, page, type Params, refuse, route, whole } from './routes.ts'

/** Credit notes for paid invoices: given back as money, as balance, or outside of Stripe. */
export function creditNoteEndpoints(
  books: StripeBooks,
  keys: IdempotencyKeys,
  payments: Payments,
): readonly FakeEndpoint[] {
  const noteOf = (id: string) => found(books.get('credit_note', id), 'credit note', id)

  function create(params: Params): CreditNote {
    const invoice = found(books.get('invoice', params['invoice']), 'invoice', params['invoice'])
    const amount = whole(params['amount'], 'amount') ?? refuse('Missing required param: amount.')
    const refunded = whole(params['refund_amount'], 'refund_amount') ?? 0
    const outOfBand = whole(params['out_of_band_amount'], 'out_of_band_amount') ?? 0
    const isPaid = invoice.status === 'paid'
    if (
      isPaid &&
      refunded + outOfBand + (whole(params['credit_amount'], 'credit_amount') ?? 0) !== amount
    ) {
      refuse('refund_amount, credit_amount and out_of_band_amount must add up to amount.')
    }
    const paidBy = books.all('invoice_payment', ({ invoice: of }) => of === invoice.id)[0]
    const refund =
      refunded > 0 ? payments.refund(String(paidBy?.payment.payment_intent), refunded) : undefined
    const note = books.add('credit_note', {
      created: books.seconds(),
      livemode: true,
      amount,
      currency: invoice.currency,
      customer: String(invoice.customer),
      invoice: invoice.id,
      out_of_band_amount: outOfBand === 0 ? null : outOfBand,
      post_payment_amount: isPaid ? amount : 0,
      pre_payment_amount: isPaid ? 0 : amount,
      refunds:
        refund === undefined
          ? []
          : [
              {
                amount_refunded: refunded,
                payment_record_refund: null,
                refund: refund.id,
                type: 'refund',
              },
            ],
      status: 'issued',
      total: amount,
      type: isPaid ? 'post_payment' : 'pre_payment',
      voided_at: null,
    })
    if (isPaid) invoice.post_payment_credit_notes_amount += amount
    else invoice.pre_payment_credit_notes_amount += amount
    if (!isPaid) invoice.amount_due -= amount
    books.emit('credit_note.created', note)
    return note
  }

  return [
    route('credit_notes', ['POST', '/v1/credit_notes'], keys, create),
    route('credit_notes', ['GET', '/v1/credit_notes/:id'], keys, (_, id = '') => noteOf(id)),
    route('credit_notes', ['GET', '/v1/credit_notes'], keys, (params) =>
      page(
        books.all('credit_note', ({ invoice }) => invoice === params['invoice']),
        params,
        '/v1/credit_notes',
      ),
    ),
    route('credit_notes', ['POST', '/v1/credit_notes/:id/void'], keys, (_, id = '') => {
      const note = noteOf(id)
      note.status = 'void'
      note.voided_at = books.seconds()
      books.emit('credit_note.voided', note)
      return note
    }),
  ]
}
