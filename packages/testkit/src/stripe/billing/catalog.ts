import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import { meterId } from '../meters-endpoint.ts'
import type { StripeBooks } from './books.ts'
import type { Price } from './objects.ts'
import { found, listParam, metadataOf, type Params, refuse, route, text, whole } from './routes.ts'

/** Customers, products and prices, and the meters that prices are by. */
export function catalogEndpoints(
  books: StripeBooks,
  keys: IdempotencyKeys,
): readonly FakeEndpoint[] {
  const common = () => ({ created: books.seconds(), livemode: true })
  return [
    route('customers', ['POST', '/v1/customers'], keys, (params) => {
      const { email, name } = params
      const fields = { email: text(email) ?? null, name: text(name) ?? null }
      return books.add('customer', { ...common(), ...fields, metadata: metadataOf(params) })
    }),
    route('customers', ['GET', '/v1/customers/:id'], keys, (_, id = '') =>
      found(books.get('customer', id), 'customer', id),
    ),
    route('products', ['POST', '/v1/products'], keys, (params) => {
      const name = text(params['name']) ?? refuse('Missing required param: name.')
      const id = text(params['id'])
      const fields = { ...common(), name, active: true, metadata: metadataOf(params) }
      return books.add('product', id === undefined ? fields : { ...fields, id })
    }),
    route('prices', ['POST', '/v1/prices'], keys, (params) => {
      const product = text(params['product']) ?? refuse('Missing required param: product.')
      found(books.get('product', product), 'product', product)
      return books.add('price', priceOf(params, { ...common(), product }))
    }),
    route('prices', ['POST', '/v1/prices/:id'], keys, (params, id = '') => {
      const price = found(books.get('price', id), 'price', id)
      price.metadata = { ...price.metadata, ...metadataOf(params) }
      return price
    }),
    route('prices', ['GET', '/v1/prices/:id'], keys, (_, id = '') =>
      found(books.get('price', id), 'price', id),
    ),
    route('meters', ['POST', '/v1/billing/meters'], keys, (params) => {
      const name = text(params['event_name']) ?? refuse('Missing required param: event_name.')
      return {
        id: meterId(name),
        object: 'billing.meter',
        ...common(),
        updated: books.seconds(),
        event_name: name,
        display_name: text(params['display_name']) ?? name,
        default_aggregation: { formula: 'sum' },
        customer_mapping: { type: 'by_id', event_payload_key: 'stripe_customer_id' },
        value_settings: { event_payload_key: 'value' },
        event_time_window: null,
        status: 'active',
        status_transitions: { deactivated_at: null },
      }
    }),
  ]
}

function priceOf(
  params: Params,
  common: Pick<Price, 'created' | 'livemode' | 'product'>,
): Omit<Price, 'id' | 'object'> {
  const tiers = listParam(params['tiers'])
  const recurring = params['recurring'] as Readonly<Record<string, string>> | undefined
  const decimal = text(params['unit_amount_decimal'])
  if (decimal !== undefined && !/^\d+(?:\.\d{1,12})?$/.test(decimal)) {
    refuse('Invalid decimal: unit_amount_decimal must have at most 12 decimals.')
  }
  const amount = whole(params['unit_amount'], 'unit_amount')
  const isMetered = recurring?.['usage_type'] === 'metered'
  if (isMetered && !recurring['meter']) {
    refuse('Metered prices must be backed by a meter: recurring[meter].')
  }
  return {
    ...common,
    active: true,
    billing_scheme: tiers.length > 0 ? 'tiered' : 'per_unit',
    currency: text(params['currency']) ?? refuse('Missing required param: currency.'),
    lookup_key: text(params['lookup_key']) ?? null,
    metadata: metadataOf(params),
    recurring:
      recurring === undefined
        ? null
        : {
            interval: (recurring['interval'] ?? 'month') as 'month',
            interval_count: Number(recurring['interval_count'] ?? 1),
            meter: recurring['meter'] ?? null,
            trial_period_days: null,
            usage_type: isMetered ? 'metered' : 'licensed',
          },
    tiers_mode: tiers.length > 0 ? 'graduated' : null,
    type: recurring === undefined ? 'one_time' : 'recurring',
    unit_amount: amount ?? null,
    unit_amount_decimal: decimal ?? (amount === undefined ? null : String(amount)),
    ...(tiers.length > 0 && {
      tiers: tiers.map((tier) => ({
        up_to: tier['up_to'] === 'inf' ? null : (whole(tier['up_to'], 'up_to') ?? null),
        unit_amount: whole(tier['unit_amount'], 'unit_amount') ?? null,
        unit_amount_decimal: text(tier['unit_amount_decimal']) ?? null,
        flat_amount: whole(tier['flat_amount'], 'flat_amount') ?? null,
      })),
    }),
  }
}
