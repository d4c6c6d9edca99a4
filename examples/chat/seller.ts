import type { FakeStripe } from '@token-meter/testkit'
import { creditEvents } from '@token-meter/credits/stripe'
import Stripe from 'stripe'
import { EnvironmentError } from './customers.ts'

/** Where credit is bought: a price at Stripe whose metadata says how much credit it is. */
export interface Seller {
  readonly client: Stripe
  /** Of a price with the metadata `token_meter_usd`. */
  readonly price: string
  /** What Stripe signs with when it tells of a payment. */
  readonly webhookSecret: string
  /** The page on which a Checkout session is paid. */
  payAt(session: Stripe.Checkout.Session): string
}

/**
 * Sells the pack that the environment names; nothing where it names none.
 * @throws EnvironmentError where the price sells no credit.
 */
export async function realSeller(
  apiKey: string,
  environment: NodeJS.ProcessEnv,
): Promise<Seller | undefined> {
  const { TOKEN_METER_CHAT_PACK: price, STRIPE_CREDITS_WEBHOOK_SECRET: webhookSecret } = environment
  if (!price || !webhookSecret) return undefined
  const client = new Stripe(apiKey, { httpClient: Stripe.createFetchHttpClient() })
  const { metadata } = await client.prices.retrieve(price)
  if (metadata['token_meter_usd'] === undefined) {
    throw new EnvironmentError(
      `The price ${price} of TOKEN_METER_CHAT_PACK sells no credit. Give it the metadata ` +
        'token_meter_usd at Stripe: the dollars of credit that it is, such as 5.',
    )
  }
  return { client, price, webhookSecret, payAt: ({ url }) => url ?? '/' }
}

/** Sells a pack at a Stripe on this machine, which posts its webhooks to this server. */
export async function localSeller(fake: FakeStripe, server: string): Promise<Seller> {
  const { apiKey, host, port } = fake
  const client = new Stripe(apiKey, { host, port, protocol: 'http', telemetry: false })
  const product = await client.products.create({ name: 'Credit for the chat' })
  const { id: price } = await client.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 500,
    metadata: { token_meter_usd: '5' },
  })
  const { secret = '' } = await client.webhookEndpoints.create({
    url: `${server}/stripe/credits`,
    enabled_events: creditEvents,
  })
  return { client, price, webhookSecret: secret, payAt: ({ id }) => `/checkout/${id}` }
}
