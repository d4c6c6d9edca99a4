import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import type { StripeBooks } from './books.ts'
import type { CreditGrants } from './credit-grants.ts'
import { type Invoice, type InvoiceLine, listOf, type Price } from './objects.ts'
import type { Payments } from './payments.ts'
import { found, page, type Params, refuse, route, text } from './routes.ts'

/** What a line is made of. Times are whole seconds. */
export interface NewLine {
  readonly price: Price
  readonly quantity: number
  /** Cents. */
  readonly amount: number
  readonly period: { readonly start: number; readonly end: number }
  readonly item?: { readonly id: string; readonly subscription: string }
  /** Cents off, as a coupon has it. */
  readonly discount?: number
  readonly isProration?: boolean
}

export interface NewInvoice {
  readonly customer: string
  readonly lines: readonly NewLine[]
  readonly reason: 'subscription_create' | 'subscription_cycle' | 'subscription_update' | 'manual'
  readonly subscription?: string
  readonly period?: { readonly start: number; readonly end: number }
  /** Has been paid by this payment intent already. */
  readonly paidBy?: string
}

export interface Invoices {
  readonly endpoints: readonly FakeEndpoint[]
  /** Makes an invoice, finalises it, draws credit and asks for the money. */
  issue(wanted: NewInvoice): Invoice
  /** Asks for the money again. */
  pay(id: string, options?: { readonly isOutOfBand?: boolean }): Invoice
  void(id: string): Invoice
}

export function createInvoices(
  books: StripeBooks,
  keys: IdempotencyKeys,
  { payments, credits, declines }: Parts,
): Invoices {
  const common = () => ({ created: books.seconds(), livemode: true })
  const invoiceOf = (id: unknown) => found(books.get('invoice', id), 'invoice', id)

  function issue(wanted: NewInvoice): Invoice {
    const { customer, reason, subscription } = wanted
    const now = books.seconds()
    const { start, end } = wanted.period ?? { start: now, end: now }
    const total = wanted.lines.reduce((sum, { amount, discount = 0 }) => sum + amount - discount, 0)
    const { currency = 'usd' } = wanted.lines[0]?.price ?? {}
    const times = { marked_uncollectible_at: null, paid_at: null, voided_at: null }
    const invoice = books.add('invoice', {
      ...common(),
      amount_due: 0,
      amount_paid: 0,
      amount_remaining: 0,
      attempt_count: 0,
      attempted: false,
      billing_reason: reason,
      collection_method: 'charge_automatically',
      currency,
      customer,
      metadata: {},
      lines: listOf<InvoiceLine>([]),
      parent:
        subscription === undefined
          ? null
          : {
              quote_details: null,
              subscription_details: { metadata: {}, subscription },
              type: 'subscription_details',
            },
      period_end: end,
      period_start: start,
      post_payment_credit_notes_amount: 0,
      pre_payment_credit_notes_amount: 0,
      status: 'open',
      status_transitions: { finalized_at: now, ...times },
      subtotal: wanted.lines.reduce((sum, { amount }) => sum + amount, 0),
      total,
      total_pretax_credit_amounts: [],
    })
    const metered = new Set<string>()
    for (const one of wanted.lines) {
      const line = books.add('line_item', lineOf(one, invoice.id))
      invoice.lines.data.push(line)
      if (one.price.recurring?.usage_type === 'metered') metered.add(line.id)
    }
    credits.apply(invoice, metered)
    invoice.amount_due = invoice.total
    invoice.amount_remaining = invoice.total
    books.emit('invoice.finalized', invoice)
    if (wanted.paidBy !== undefined) return paid(invoice, wanted.paidBy)
    return collect(invoice)
  }

  function collect(invoice: Invoice): Invoice {
    invoice.attempted = true
    if (invoice.total <= 0) return paid(invoice, undefined)
    invoice.attempt_count++
    const open = books.all('invoice_payment', ({ invoice: of }) => of === invoice.id)[0]
    const known = books.get('payment_intent', open?.payment.payment_intent)
    const isPaid = !declines(String(invoice.customer))
    const { total, currency, customer } = invoice
    const intent = known ?? payments.pay(total, currency, customer as string | null, false)
    if (open === undefined) addPayment(invoice, intent.id, 'open')
    if (!isPaid) {
      books.emit('invoice.payment_failed', invoice)
      return invoice
    }
    payments.settle(intent)
    return paid(invoice, intent.id)
  }

  function addPayment(invoice: Invoice, intent: string, status: string) {
    const { total, currency, id } = invoice
    return books.add('invoice_payment', {
      ...common(),
      amount_paid: status === 'paid' ? total : null,
      amount_requested: total,
      currency,
      invoice: id,
      is_default: true,
      payment: { payment_intent: intent, type: 'payment_intent' },
      status,
    })
  }

  function paid(invoice: Invoice, intent: string | undefined): Invoice {
    if (intent !== undefined) {
      const open = books.all('invoice_payment', ({ invoice: of }) => of === invoice.id)[0]
      const payment = open ?? addPayment(invoice, intent, 'open')
      payment.status = 'paid'
      payment.amount_paid = invoice.total
    }
    invoice.status = 'paid'
    invoice.amount_paid = invoice.total
    invoice.amount_remaining = 0
    invoice.status_transitions.paid_at = books.seconds()
    books.emit('invoice.paid', invoice)
    books.emit('invoice.payment_succeeded', invoice)
    return invoice
  }

  function pay(id: string, { isOutOfBand = false } = {}): Invoice {
    const invoice = invoiceOf(id)
    if (invoice.status !== 'open') refuse(`This invoice is ${invoice.status}, and cannot be paid.`)
    if (!isOutOfBand) return collect(invoice)
    for (const open of books.all('invoice_payment', ({ invoice: of }) => of === id)) {
      open.status = 'canceled'
    }
    return paid(invoice, undefined)
  }

  function voidInvoice(id: string): Invoice {
    const invoice = invoiceOf(id)
    if (invoice.status !== 'open') refuse(`This invoice is ${invoice.status}, and cannot be void.`)
    invoice.status = 'void'
    invoice.status_transitions.voided_at = books.seconds()
    credits.restore(invoice)
    books.emit('invoice.voided', invoice)
    return invoice
  }

  return {
    issue,
    pay,
    void: voidInvoice,
    endpoints: [
      route('invoices', ['GET', '/v1/invoices/:id'], keys, (_, id = '') => invoiceOf(id)),
      route('invoices', ['GET', '/v1/invoices'], keys, (params) =>
        page(books.all('invoice', isWanted(params)), params, '/v1/invoices'),
      ),
      route('invoices', ['GET', '/v1/invoices/:id/lines'], keys, (params, id = '') =>
        page(invoiceOf(id).lines.data, params, `/v1/invoices/${id}/lines`),
      ),
      route('invoices', ['POST', '/v1/invoices/:id/pay'], keys, (params, id = '') =>
        pay(id, { isOutOfBand: params['paid_out_of_band'] === 'true' }),
      ),
      route('invoices', ['POST', '/v1/invoices/:id/void'], keys, (_, id = '') => voidInvoice(id)),
      route('invoice_payments', ['GET', '/v1/invoice_payments'], keys, (params) => {
        const { payment_intent: intent } = (params['payment'] ?? {}) as Params
        const is = (one: {
          invoice: unknown
          payment: { payment_intent?: unknown }
          status: string
        }) =>
          (params['invoice'] === undefined || one.invoice === params['invoice']) &&
          (params['status'] === undefined || one.status === params['status']) &&
          (intent === undefined || one.payment.payment_intent === intent)
        return page(books.all('invoice_payment', is), params, '/v1/invoice_payments')
      }),
    ],
  }
}

interface Parts {
  readonly payments: Payments
  readonly credits: CreditGrants
  /** Whether a customer's card is declined. */
  readonly declines: (customer: string) => boolean
}

function isWanted({ customer, subscription, status }: Params) {
  return (invoice: Invoice) =>
    (customer === undefined || invoice.customer === customer) &&
    (text(status) === undefined || invoice.status === status) &&
    (subscription === undefined ||
      invoice.parent?.subscription_details?.subscription === subscription)
}

function lineOf(line: NewLine, invoice: string): Omit<InvoiceLine, 'id' | 'object'> {
  const { price, quantity, amount, period, item, discount = 0, isProration = false } = line
  const of = {
    invoice_item: null,
    proration: isProration,
    proration_details: null,
    subscription: item?.subscription ?? null,
  }
  return {
    amount,
    currency: price.currency,
    description: null,
    discount_amounts: discount === 0 ? [] : [{ amount: discount, discount: 'di_fake' }],
    invoice,
    livemode: true,
    metadata: {},
    parent:
      item === undefined
        ? {
            invoice_item_details: { ...of, invoice_item: 'ii_fake' },
            subscription_item_details: null,
            type: 'invoice_item_details',
          }
        : {
            invoice_item_details: null,
            subscription_item_details: { ...of, subscription_item: item.id },
            type: 'subscription_item_details',
          },
    period: { ...period },
    pretax_credit_amounts: [],
    pricing: {
      type: 'price_details',
      price_details: { price: price.id, product: String(price.product) },
      unit_amount_decimal: price.unit_amount_decimal,
    },
    quantity,
    subtotal: amount,
  }
}
