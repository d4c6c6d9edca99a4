/**
 * What an event is about is read from Stripe, and the books are brought to that: not what the event
 * says, since events come late, twice and in any order. Each object has a version in the books: where
 * another event about it was written since it was read, it is read again, so that what is older never
 * stands over what is newer.
 */
import type Stripe from 'stripe'
import { formatAmount } from '../amount.ts'
import { appliedVersion, erasedOwner } from '../books/erased.ts'
import type { BookRows } from '../books/rows.ts'
import { applyBilled } from './apply-billed.ts'
import { applyCreditGrant } from './apply-credit-grant.ts'
import { applyInvoice, invoiceNames } from './apply-invoice.ts'
import { applyPayment, namesOf, paymentRowId } from './apply-payment.ts'
import { applySubscription, standingOf } from './apply-subscription.ts'
import { idOf, type Payer, type Payment, PaymentReader } from './payment.ts'
import { requestFor } from './request.ts'
import type { SignedEvent } from './signed-event.ts'
import { type Subject, subjectOf } from './subjects.ts'
import type { WebhookSettings } from './webhook-options.ts'

/** Tries again until what was read is what is written over. */
const mostTries = 5

/** Thrown where others keep applying the same object: Stripe is to come again. */
export class BusyObject extends Error {}

/** Applies an event. False for one that is about nothing here. */
export async function applyEvent(event: SignedEvent, settings: WebhookSettings): Promise<boolean> {
  const subject = subjectOf(event.type)
  if (subject === undefined || event.objectId === '') return false
  const run = new EventRun(event, settings)
  await run.apply(subject)
  return true
}

class EventRun {
  readonly #event: SignedEvent
  readonly #settings: WebhookSettings
  readonly #reader: PaymentReader
  readonly #request: Stripe.RequestOptions

  constructor(event: SignedEvent, settings: WebhookSettings) {
    this.#event = event
    this.#settings = settings
    const { stripeAccount } = event
    this.#reader = new PaymentReader(settings.stripe, stripeAccount)
    this.#request = requestFor(stripeAccount)
  }

  async apply(subject: Subject): Promise<void> {
    const { objectId: id } = this.#event
    const reader = this.#reader
    switch (subject) {
      case 'invoice':
        return this.#invoice(id)
      case 'subscription':
        return this.#subscription(id)
      case 'session': {
        const session = await this.#settings.stripe.checkout.sessions.retrieve(
          id,
          {},
          this.#request,
        )
        await this.#payment(() => reader.ofSession(id))
        if (session.subscription !== null) await this.#subscription(idOf(session.subscription))
        return
      }
      case 'charge':
        return this.#payment(() => reader.ofCharge(id))
      case 'refund':
        return this.#payment(() => reader.ofRefund(id))
      case 'dispute':
        return this.#payment(() => reader.ofDispute(id))
      case 'credit note':
        return this.#payment(() => reader.ofCreditNote(id))
      case 'credit grant':
        return this.#creditGrant(id)
    }
  }

  async #payment(read: () => Promise<Payment | undefined>): Promise<void> {
    const { inside, terms, warn, onReport } = this.#settings
    let known = await read()
    await this.#untilWritten(async () => {
      if (known === undefined) return undefined
      const { payer } = known
      const customer = await this.#customer(payer, known.packs.length > 0)
      if (customer === undefined) return undefined
      const key = this.#key(customer)
      const names = namesOf(known)
      const object = paymentRowId(known.key)
      const version = await this.#read((rows) => appliedVersion(rows, key, object, names))
      // Read after the version was: whoever writes from now on is seen.
      const payment = (known = await read())
      if (payment === undefined) return undefined
      const wanted = { payment, terms: terms(payer), version }
      const applied = await inside.books.write(
        (rows) => applyPayment(rows, key, wanted, this.#act()),
        { customers: [customer] },
      )
      if (applied.isStale) return `payment ${payment.key}`
      for (const conflict of applied.conflicts) {
        warn(
          `The payment ${conflict} is for another amount than what was granted for it before: that one stands. Put it right with credits.adjust()`,
        )
      }
      const { granted, revoked, restored } = applied
      if (granted + revoked + restored > 0n) {
        const text = (amount: bigint) => formatAmount(amount, 'usd')
        const { id: eventId, type } = this.#event
        const amounts = {
          granted: text(granted),
          revoked: text(revoked),
          restored: text(restored),
        }
        onReport({ eventId, type, customer: applied.customer, ...amounts })
      }
      return undefined
    })
  }

  async #invoice(id: string): Promise<void> {
    const { stripe, inside, graceMs } = this.#settings
    const readInvoice = () => stripe.invoices.retrieve(id, {}, this.#request)
    const first = await readInvoice()
    const payment = await this.#reader.ofInvoiceRead(first)
    const { payer } = payment
    if (payment.isPaid) await this.#payment(() => this.#reader.ofInvoice(id))
    await this.#billed(payment)
    const parent = first.parent?.subscription_details?.subscription
    const subscription = parent === undefined ? undefined : idOf(parent)
    if (subscription !== undefined) await this.#subscription(subscription)
    const customer = await this.#customer(payer, false)
    if (customer === undefined) return
    const keys = this.#keys(customer)
    const isFailure = this.#event.type === 'invoice.payment_failed'
    const of = { id, subscription, graceMs }
    await this.#untilWritten(async () => {
      const versions = await this.#read((rows) =>
        keys.map((key) => appliedVersion(rows, key, id, invoiceNames(of))),
      )
      const { status } = await readInvoice()
      const failedAt = isFailure ? this.#event.at : undefined
      const written = await inside.books.write(
        (rows) => {
          const erased = keys.filter((key) => erasedOwner(rows, key, invoiceNames(of)))
          return keys.map((key, index) => {
            // What is of an erased account is no matter of any that the customer has by now.
            if (erased.length > 0 && !erased.includes(key)) return true
            const standing = { ...of, status, failedAt, version: versions[index] ?? 0 }
            return applyInvoice(rows, key, standing, this.#act())
          })
        },
        { customers: [customer] },
      )
      return written.every(Boolean) ? undefined : `invoice ${id}`
    })
  }

  async #creditGrant(id: string): Promise<void> {
    const { stripe, inside } = this.#settings
    const grant = await stripe.billing.creditGrants.retrieve(id, {}, this.#request)
    const { stripeAccount } = this.#event
    const of = { clientReferenceId: null, metadata: grant.metadata, stripeAccount }
    const customer = await this.#customer({ customer: idOf(grant.customer), ...of }, false)
    if (customer === undefined) return
    await inside.books.write(
      (rows) => applyCreditGrant(rows, this.#key(customer), grant, this.#act()),
      { customers: [customer] },
    )
  }

  /** Usage that an invoice was paid for is debt no more. */
  async #billed({ payer, isPaid, billed }: Payment): Promise<void> {
    if (!isPaid || billed === undefined) return
    const customer = await this.#customer(payer, false)
    if (customer === undefined) return
    await this.#settings.inside.books.write(
      (rows) => applyBilled(rows, this.#key(customer), billed, this.#act()),
      { customers: [customer] },
    )
  }

  async #subscription(id: string): Promise<void> {
    const { stripe, inside } = this.#settings
    const { plans } = inside
    const read = () => stripe.subscriptions.retrieve(id, {}, this.#request)
    await this.#untilWritten(async () => {
      const customer = await this.#customer(await this.#reader.payerOf(await read()), false)
      if (customer === undefined) return undefined
      const keys = this.#keys(customer)
      const versions = await this.#read((rows) => keys.map((key) => appliedVersion(rows, key, id)))
      const subscription = await read()
      const standing = standingOf(subscription, await this.#itemsOf(subscription))
      const written = await inside.books.write(
        (rows) =>
          keys.map((key, index) =>
            applySubscription(
              rows,
              key,
              { standing, plans, version: versions[index] ?? 0 },
              this.#act(),
            ),
          ),
        { customers: [customer] },
      )
      if (!written.every(Boolean)) return `subscription ${id}`
      const unknown = standing.plans.find(({ plan }) => !plans.has(plan))
      if (unknown === undefined || !standing.isLive) return undefined
      // Its other plans are given by now; this one is once Stripe sends the event again.
      throw new Error(
        `the subscription ${id} is to the plan ${JSON.stringify(unknown.plan)}, which createCredits({ plans }) does not have: add it there`,
      )
    })
  }

  /** @param attempt returns what somebody else has written since it was read; nothing where it is done. */
  async #untilWritten(attempt: () => Promise<string | undefined>): Promise<void> {
    let busy: string | undefined
    for (let tries = 0; tries < mostTries; tries++) {
      busy = await attempt()
      if (busy === undefined) return
    }
    throw new BusyObject(busy)
  }

  /** A subscription has the first of its items with it. */
  async #itemsOf({ id, items }: Stripe.Subscription): Promise<readonly Stripe.SubscriptionItem[]> {
    if (!items.has_more) return items.data
    const all: Stripe.SubscriptionItem[] = []
    const listed = { subscription: id, limit: 100 }
    const { subscriptionItems } = this.#settings.stripe
    for await (const item of subscriptionItems.list(listed, this.#request)) all.push(item)
    return all
  }

  /** Whose it is; `undefined`, with a word about it where money came, for nobody's. */
  async #customer(payer: Payer, isMoney: boolean): Promise<string | undefined> {
    const customer = await this.#settings.customerOf(payer)
    if (customer !== null && customer.trim() !== '') return customer
    if (isMoney) {
      const { id, type, objectId } = this.#event
      this.#settings.warn(
        `The event ${id} (${type}, ${objectId}) is of a payment for credit, and nobody's: the option customer has no customer for it. Nothing was granted`,
      )
    }
    return undefined
  }

  #key(customer: string, unit: 'usd' | 'tokens' = 'usd') {
    return { customer, unit, stripeAccount: this.#event.stripeAccount }
  }

  /** Of all accounts that a customer can have. */
  #keys(customer: string) {
    return (['usd', 'tokens'] as const).map((unit) => this.#key(customer, unit))
  }

  #act() {
    return { actor: `stripe:${this.#event.id}`, at: this.#settings.inside.now() }
  }

  #read<Value>(work: (rows: BookRows) => Value): Promise<Value> {
    return this.#settings.inside.books.read(work)
  }
}
