import type Stripe from 'stripe'

/**
 * Stripe's objects, as far as flows of money need them. Each field has Stripe's own type; what a
 * library turns into a `Decimal` is text on the wire.
 */
type Fields<Type, Names extends keyof Type> = { -readonly [Name in Names]: Type[Name] }

type Common = 'id' | 'object' | 'created' | 'livemode'

export type Customer = Fields<Stripe.Customer, Common | 'email' | 'metadata' | 'name'>
export type Product = Fields<Stripe.Product, Common | 'active' | 'metadata' | 'name'>
export type Price = Fields<
  Stripe.Price,
  | Common
  | 'active'
  | 'billing_scheme'
  | 'currency'
  | 'lookup_key'
  | 'metadata'
  | 'product'
  | 'recurring'
  | 'tiers_mode'
  | 'type'
  | 'unit_amount'
> & {
  unit_amount_decimal: string | null
  tiers?: readonly {
    readonly up_to: number | null
    readonly unit_amount: number | null
    readonly unit_amount_decimal: string | null
    readonly flat_amount: number | null
  }[]
}
export type SubscriptionItem = Fields<
  Stripe.SubscriptionItem,
  | 'id'
  | 'object'
  | 'created'
  | 'current_period_end'
  | 'current_period_start'
  | 'metadata'
  | 'subscription'
> & { price: Price; quantity?: number }
export type Subscription = Fields<
  Stripe.Subscription,
  | Common
  | 'billing_cycle_anchor'
  | 'cancel_at'
  | 'cancel_at_period_end'
  | 'canceled_at'
  | 'currency'
  | 'customer'
  | 'ended_at'
  | 'latest_invoice'
  | 'metadata'
  | 'start_date'
  | 'status'
  | 'trial_end'
  | 'trial_start'
> & { items: List<SubscriptionItem> }
export type PaymentIntent = Fields<
  Stripe.PaymentIntent,
  | Common
  | 'amount'
  | 'amount_received'
  | 'currency'
  | 'customer'
  | 'latest_charge'
  | 'metadata'
  | 'status'
>
export type Charge = Fields<
  Stripe.Charge,
  | Common
  | 'amount'
  | 'amount_captured'
  | 'amount_refunded'
  | 'currency'
  | 'customer'
  | 'disputed'
  | 'paid'
  | 'payment_intent'
  | 'refunded'
  | 'status'
>
export type Refund = Fields<
  Stripe.Refund,
  | 'id'
  | 'object'
  | 'created'
  | 'amount'
  | 'charge'
  | 'currency'
  | 'payment_intent'
  | 'reason'
  | 'status'
>
export type Dispute = Fields<
  Stripe.Dispute,
  Common | 'amount' | 'charge' | 'currency' | 'payment_intent' | 'reason' | 'status'
>
export type InvoiceLine = Fields<
  Stripe.InvoiceLineItem,
  | 'id'
  | 'object'
  | 'amount'
  | 'currency'
  | 'description'
  | 'discount_amounts'
  | 'invoice'
  | 'livemode'
  | 'metadata'
  | 'parent'
  | 'period'
  | 'pretax_credit_amounts'
  | 'quantity'
  | 'subtotal'
> & {
  pricing: {
    type: 'price_details'
    price_details: { price: string; product: string }
    unit_amount_decimal: string | null
  } | null
}
export type Invoice = Fields<
  Stripe.Invoice,
  | Common
  | 'amount_due'
  | 'amount_paid'
  | 'amount_remaining'
  | 'attempt_count'
  | 'attempted'
  | 'billing_reason'
  | 'collection_method'
  | 'currency'
  | 'customer'
  | 'metadata'
  | 'parent'
  | 'period_end'
  | 'period_start'
  | 'post_payment_credit_notes_amount'
  | 'pre_payment_credit_notes_amount'
  | 'status'
  | 'status_transitions'
  | 'subtotal'
  | 'total'
  | 'total_pretax_credit_amounts'
> & { lines: List<InvoiceLine> }
export type InvoicePayment = Fields<
  Stripe.InvoicePayment,
  | Common
  | 'amount_paid'
  | 'amount_requested'
  | 'currency'
  | 'invoice'
  | 'is_default'
  | 'payment'
  | 'status'
>
export type CreditNote = Fields<
  Stripe.CreditNote,
  | Common
  | 'amount'
  | 'currency'
  | 'customer'
  | 'invoice'
  | 'out_of_band_amount'
  | 'post_payment_amount'
  | 'pre_payment_amount'
  | 'refunds'
  | 'status'
  | 'total'
  | 'type'
  | 'voided_at'
>
export type SessionLine = Fields<
  Stripe.LineItem,
  | 'id'
  | 'object'
  | 'amount_discount'
  | 'amount_subtotal'
  | 'amount_tax'
  | 'amount_total'
  | 'currency'
  | 'description'
  | 'quantity'
> & { price: Price }
export type Session = Fields<
  Stripe.Checkout.Session,
  | Common
  | 'amount_subtotal'
  | 'amount_total'
  | 'client_reference_id'
  | 'currency'
  | 'customer'
  | 'expires_at'
  | 'invoice'
  | 'metadata'
  | 'mode'
  | 'payment_intent'
  | 'payment_status'
  | 'status'
  | 'subscription'
  | 'success_url'
  | 'url'
>
export type CreditGrant = Fields<
  Stripe.Billing.CreditGrant,
  | Common
  | 'amount'
  | 'applicability_config'
  | 'category'
  | 'customer'
  | 'effective_at'
  | 'expires_at'
  | 'metadata'
  | 'name'
  | 'priority'
  | 'updated'
  | 'voided_at'
>
export type CreditTransaction = Fields<
  Stripe.Billing.CreditBalanceTransaction,
  Common | 'credit' | 'credit_grant' | 'debit' | 'effective_at' | 'type'
>

export interface List<Item> {
  object: 'list'
  data: Item[]
  has_more: boolean
  url: string
}

/** Every kind of object, by Stripe's name of it. */
export interface Objects {
  customer: Customer
  product: Product
  price: Price
  subscription: Subscription
  subscription_item: SubscriptionItem
  payment_intent: PaymentIntent
  charge: Charge
  refund: Refund
  dispute: Dispute
  invoice: Invoice
  line_item: InvoiceLine
  invoice_payment: InvoicePayment
  credit_note: CreditNote
  'checkout.session': Session
  'billing.credit_grant': CreditGrant
  'billing.credit_balance_transaction': CreditTransaction
}

export function listOf<Item>(data: Item[], url = ''): List<Item> {
  return { object: 'list', data, has_more: false, url }
}
