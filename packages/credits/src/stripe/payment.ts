/**
 * A payment as it stands at Stripe by now, whatever event led to it: what it is for, and what of it was
 * taken back. Everything is asked for anew, so that neither order nor repetition of events is of any
 * matter.
 */
import type Stripe from 'stripe'
import { packOf, type PaidLine } from './packs.ts'
import { requestFor } from './request.ts'

/** A payment, and what of it is credit. */
export interface Payment {
  /** The payment intent, where one paid all of it; else the invoice. */
  readonly key: string
  /** Who paid: `null` for a guest at Checkout. */
  readonly payer: Payer
  readonly isPaid: boolean
  /** The grants that it is for, by their keys: one, or one a line where no payment intent paid. */
  readonly packs: readonly { readonly key: string; readonly amount: bigint }[]
  /** All of it, in minor units: what was taken back is a share of it. */
  readonly total: number
  readonly takenBack: readonly TakenBack[]
  /** Usage that an invoice has billed: from when until when, in ms since the epoch. */
  readonly billed?: BilledUsage | undefined
}

export interface BilledUsage {
  readonly invoice: string
  /** What the invoice is of. */
  readonly subscription: string | undefined
  readonly from: number
  readonly until: number
  /** Cents of it that credit at Stripe has paid. */
  readonly drawn: number
}

/** As a `customer` option sees who paid. */
export interface Payer {
  /** `cus_...` */
  readonly customer: string | null
  /** Of the Checkout session that it was paid at, or that its subscription began with. */
  readonly clientReferenceId: string | null
  /** Of the subscription, the invoice and the Checkout session; what a later one has too is its. */
  readonly metadata: Readonly<Record<string, string>>
  /** The connected account, `acct_...`; empty for one's own. */
  readonly stripeAccount: string
}

/** A refund, a dispute or a credit note. */
export interface TakenBack {
  readonly id: string
  /** Minor units. */
  readonly amount: number
  /** False where it came to nothing: a refund that failed, a dispute that was won, a note that is void. */
  readonly stands: boolean
}

/** Reads payments with an application's client, for one account. */
export class PaymentReader {
  readonly #stripe: Stripe
  readonly #stripeAccount: string
  readonly #request: Stripe.RequestOptions

  constructor(stripe: Stripe, stripeAccount: string) {
    this.#stripe = stripe
    this.#stripeAccount = stripeAccount
    this.#request = requestFor(stripeAccount)
  }

  async ofCharge(id: string): Promise<Payment | undefined> {
    const { payment_intent: intent } = await this.#stripe.charges.retrieve(id, {}, this.#request)
    return intent === null ? undefined : this.ofIntent(idOf(intent))
  }

  async ofRefund(id: string): Promise<Payment | undefined> {
    return this.#ofMovement(await this.#stripe.refunds.retrieve(id, {}, this.#request))
  }

  async ofDispute(id: string): Promise<Payment | undefined> {
    return this.#ofMovement(await this.#stripe.disputes.retrieve(id, {}, this.#request))
  }

  async #ofMovement({ payment_intent: intent, charge }: Movement): Promise<Payment | undefined> {
    if (intent !== null) return this.ofIntent(idOf(intent))
    return charge === null ? undefined : this.ofCharge(idOf(charge))
  }

  async ofCreditNote(id: string): Promise<Payment | undefined> {
    const { invoice } = await this.#stripe.creditNotes.retrieve(id, {}, this.#request)
    return this.ofInvoice(idOf(invoice))
  }

  /** What a payment intent paid: an invoice, or a Checkout session; `undefined` for anything else. */
  async ofIntent(intent: string): Promise<Payment | undefined> {
    const payments = await this.#stripe.invoicePayments.list(
      { payment: { type: 'payment_intent', payment_intent: intent }, limit: 1 },
      this.#request,
    )
    const [payment] = payments.data
    if (payment !== undefined) return this.ofInvoice(idOf(payment.invoice))
    const session = await this.#sessionOf({ payment_intent: intent })
    return session && this.#ofSession(session)
  }

  async ofSession(id: string): Promise<Payment | undefined> {
    const session = await this.#stripe.checkout.sessions.retrieve(id, {}, this.#request)
    if (session.invoice !== null) return this.ofInvoice(idOf(session.invoice))
    return this.#ofSession(session)
  }

  async #ofSession(session: Stripe.Checkout.Session): Promise<Payment | undefined> {
    const { id, payment_intent: intent, amount_total: total, payment_status: status } = session
    // Nothing was to be paid, or it is about a subscription, whose invoice says what was paid.
    if (intent === null || session.mode !== 'payment') return undefined
    const key = idOf(intent)
    const items = this.#stripe.checkout.sessions.listLineItems(id, { limit: 100 }, this.#request)
    const lines: PaidLine[] = []
    for await (const item of items) {
      const price = item.price ?? undefined
      const amount = item.amount_total
      lines.push({ id: item.id, quantity: item.quantity ?? 0, amount, isProration: false, price })
    }
    return {
      key,
      payer: this.#payer(session.customer, {}, session),
      isPaid: status === 'paid',
      packs: packsOf(lines, key),
      total: total ?? 0,
      takenBack: await this.#movements([key]),
    }
  }

  async ofInvoice(id: string): Promise<Payment> {
    return this.ofInvoiceRead(await this.#stripe.invoices.retrieve(id, {}, this.#request))
  }

  async ofInvoiceRead(invoice: Stripe.Invoice): Promise<Payment> {
    const { id, total, status, parent } = invoice
    const intents: string[] = []
    const listed = { invoice: id, status: 'paid', limit: 100 } as const
    for await (const { payment } of this.#stripe.invoicePayments.list(listed, this.#request)) {
      if (payment.payment_intent !== undefined) intents.push(idOf(payment.payment_intent))
    }
    const [intent] = intents
    const key = intents.length === 1 && intent !== undefined ? intent : id
    // An invoice of nothing is paid too, and sells nothing.
    const isPaid = status === 'paid' && total > 0
    const lines = isPaid ? await this.#lines(id) : []
    const { metadata = null, subscription } = parent?.subscription_details ?? {}
    const paidBy = intent === undefined ? undefined : { payment_intent: intent }
    const session = await this.#sessionOf(
      subscription === undefined ? paidBy : { subscription: idOf(subscription) },
    )
    return {
      key,
      payer: this.#payer(invoice.customer, { ...metadata, ...invoice.metadata }, session),
      isPaid,
      packs: packsOf(lines, key),
      total,
      takenBack: [...(await this.#movements(intents)), ...(await this.#creditNotes(id))],
      billed: billedBy(id, parent?.subscription_details?.subscription, lines),
    }
  }

  async #lines(invoice: string): Promise<readonly PaidLine[]> {
    const lines: PaidLine[] = []
    const prices = new Map<string, Stripe.Price>()
    const listed = this.#stripe.invoices.listLineItems(invoice, { limit: 100 }, this.#request)
    for await (const line of listed) {
      const { id, quantity, amount, discount_amounts: discounts, pricing, parent, period } = line
      const off = (discounts ?? []).reduce((sum, discount) => sum + discount.amount, 0)
      const details = parent?.subscription_item_details ?? parent?.invoice_item_details
      const isProration = details?.proration ?? false
      const priceId =
        pricing?.price_details === undefined ? undefined : idOf(pricing.price_details.price)
      if (priceId !== undefined && !prices.has(priceId)) {
        prices.set(priceId, await this.#stripe.prices.retrieve(priceId, {}, this.#request))
      }
      const price = priceId === undefined ? undefined : prices.get(priceId)
      const isMetered = price?.recurring?.usage_type === 'metered'
      const drawn = drawnOf(line)
      const metered = { from: period.start * 1000, until: period.end * 1000, drawn }
      const of = { id, quantity: quantity ?? 0, amount: amount - off, isProration }
      lines.push({ ...of, price, metered: isMetered ? metered : undefined })
    }
    return lines
  }

  async #movements(intents: readonly string[]): Promise<readonly TakenBack[]> {
    const found: TakenBack[] = []
    for (const intent of intents) {
      const listed = { payment_intent: intent, limit: 100 }
      for await (const { id, amount, status } of this.#stripe.refunds.list(listed, this.#request)) {
        found.push({ id, amount, stands: status !== 'failed' && status !== 'canceled' })
      }
      for await (const { id, amount, status } of this.#stripe.disputes.list(
        listed,
        this.#request,
      )) {
        found.push({ id, amount, stands: isTaken(status) })
      }
    }
    return found
  }

  /** What of credit notes is no refund of its own. */
  async #creditNotes(invoice: string): Promise<readonly TakenBack[]> {
    const found: TakenBack[] = []
    const listed = { invoice, limit: 100 }
    for await (const note of this.#stripe.creditNotes.list(listed, this.#request)) {
      const refunded = note.refunds.reduce((sum, { amount_refunded: part }) => sum + part, 0)
      const amount = note.pre_payment_amount + note.post_payment_amount - refunded
      if (amount > 0) found.push({ id: note.id, amount, stands: note.status !== 'void' })
    }
    return found
  }

  /** Whose a subscription is: the same as its payments. */
  async payerOf({ id, customer, metadata }: Stripe.Subscription): Promise<Payer> {
    return this.#payer(customer, metadata, await this.#sessionOf({ subscription: id }))
  }

  /**
   * The Checkout that something began with, whatever told of it: a payment that is found by its invoice
   * is of whom it is by its Checkout.
   */
  async #sessionOf(
    of: { readonly payment_intent: string } | { readonly subscription: string } | undefined,
  ): Promise<Stripe.Checkout.Session | undefined> {
    if (of === undefined) return undefined
    return (await this.#stripe.checkout.sessions.list({ ...of, limit: 1 }, this.#request)).data[0]
  }

  #payer(
    customer: string | { readonly id: string } | null,
    metadata: Stripe.Metadata,
    session: Stripe.Checkout.Session | undefined,
  ): Payer {
    return {
      customer: customer === null ? null : idOf(customer),
      clientReferenceId: session?.client_reference_id ?? null,
      metadata: { ...metadata, ...session?.metadata },
      stripeAccount: this.#stripeAccount,
    }
  }
}

function billedBy(
  invoice: string,
  parent: string | { readonly id: string } | undefined,
  lines: readonly PaidLine[],
): BilledUsage | undefined {
  const periods = lines.flatMap(({ metered }) => metered ?? [])
  if (periods.length === 0) return undefined
  const from = Math.min(...periods.map((period) => period.from))
  const until = Math.max(...periods.map((period) => period.until))
  const subscription = parent === undefined ? undefined : idOf(parent)
  return {
    invoice,
    subscription,
    from,
    until,
    drawn: periods.reduce((sum, { drawn }) => sum + drawn, 0),
  }
}

/** Credit grants that were drawn for a line, in minor units. */
function drawnOf({ pretax_credit_amounts: credits }: Stripe.InvoiceLineItem): number {
  return (credits ?? [])
    .filter(({ type }) => type === 'credit_balance_transaction')
    .reduce((sum, { amount }) => sum + amount, 0)
}

type Movement = Pick<Stripe.Dispute | Stripe.Refund, 'payment_intent' | 'charge'>

/** A bank has the money. While it only asks (`warning_...`) it has not. */
function isTaken(status: Stripe.Dispute['status']): boolean {
  return !['won', 'prevented'].includes(status) && !status.startsWith('warning_')
}

function packsOf(lines: readonly PaidLine[], key: string): Payment['packs'] {
  const packs = lines.map((line) => ({ key: `${key}:${line.id}`, amount: packOf(line) }))
  const sold = packs.filter(({ amount }) => amount > 0n)
  if (!key.startsWith('pi_') || sold.length === 0) return sold
  return [{ key, amount: sold.reduce((sum, { amount }) => sum + amount, 0n) }]
}

/** Stripe writes an id, or the object where it was asked to. */
export function idOf(value: string | { readonly id: string }): string {
  return typeof value === 'string' ? value : value.id
}
