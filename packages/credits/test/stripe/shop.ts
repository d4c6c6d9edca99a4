import { memoryOutbox } from '@token-meter/core'
import type { Outbox } from '@token-meter/core/outbox'
import { exampleRecord, type FakeStripeOptions, startFakeStripe } from '@token-meter/testkit'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Stripe from 'stripe'
import { onTestFinished } from 'vitest'
import { createCredits, type Plan } from '../../src/index.ts'
import {
  creditEvents,
  type CreditsReport,
  creditsWebhook,
  type CreditsWebhookOptions,
} from '../../src/stripe.ts'

type Handle = (request: Request) => Promise<Response>

/** A real server that is a webhook; which one may change. */
export async function serveWebhook(current: () => Handle): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = 'POST', headers } = incoming
      const init = {
        method,
        headers: headers as Record<string, string>,
        body: Buffer.concat(chunks),
      }
      void current()(new Request('http://127.0.0.1/stripe', init)).then(async (response) => {
        outgoing.writeHead(response.status, Object.fromEntries(response.headers))
        outgoing.end(await response.text())
      })
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface ShopOptions {
  readonly plans?: readonly Plan[]
  readonly outbox?: Outbox
  readonly fake?: FakeStripeOptions
  readonly webhook?: Partial<CreditsWebhookOptions>
  readonly thin?: boolean
}

/** Credits, a fake Stripe that posts to their webhook, and Stripe's own client. */
export async function openShop(options: ShopOptions = {}) {
  const clock = { offset: 0, now: () => Date.now() + clock.offset }
  const fake = await startFakeStripe({ now: clock.now, latencyMs: 0, ...options.fake })
  onTestFinished(() => fake.close())
  const client = (retries = 0) =>
    new Stripe(fake.apiKey, {
      host: fake.host,
      port: fake.port,
      protocol: 'http',
      maxNetworkRetries: retries,
      telemetry: false,
    })
  const stripe = client()
  const outbox = options.outbox ?? memoryOutbox()
  onTestFinished(async () => void (await outbox.close()))
  const credits = createCredits({
    outbox,
    ephemeral: true,
    now: clock.now,
    plans: options.plans ?? [],
  })
  const reports: CreditsReport[] = []
  const errors: string[] = []
  const secrets: string[] = []
  const webhookFor = (given: typeof credits, change: Partial<CreditsWebhookOptions> = {}) =>
    creditsWebhook({
      credits: given,
      stripe,
      webhookSecret: secrets,
      onReport: (report) => void reports.push(report),
      onError: (message) => void errors.push(message),
      ...options.webhook,
      ...change,
    })
  let handle: Handle | undefined
  const url = await serveWebhook(() => (handle ??= webhookFor(credits)))
  if (options.thin === true) {
    const destination = await stripe.v2.core.eventDestinations.create({
      name: 'credits',
      type: 'webhook_endpoint',
      event_payload: 'thin',
      enabled_events: creditEvents.map((type) => `v1.${type}`),
      webhook_endpoint: { url },
      include: ['webhook_endpoint.signing_secret'],
    })
    secrets.push(destination.webhook_endpoint?.signing_secret ?? '')
  } else {
    const { secret = '' } = await stripe.webhookEndpoints.create({
      url,
      enabled_events: creditEvents,
    })
    secrets.push(secret)
  }
  const product = await stripe.products.create({ name: 'Credit' })
  const price = (change: Partial<Stripe.PriceCreateParams> = {}) =>
    stripe.prices.create({ currency: 'usd', product: product.id, unit_amount: 3000, ...change })
  const monthly = (metadata: Record<string, string>, unit_amount = 2000) =>
    price({ unit_amount, recurring: { interval: 'month' }, metadata })
  return {
    clock,
    fake,
    billing: fake.billing,
    stripe,
    outbox,
    credits,
    reports,
    errors,
    secrets,
    webhookFor,
    price,
    monthly,
    /** A pack of 25 dollars of credit, at 30 euros with its tax. */
    pack: () => price({ currency: 'eur', metadata: { token_meter_usd: '25' } }),
    async checkout(
      priceId: string,
      customer: string,
      change: Partial<Stripe.Checkout.SessionCreateParams> = {},
    ) {
      return stripe.checkout.sessions.create({
        mode: 'payment',
        customer,
        line_items: [{ price: priceId, quantity: 1 }],
        ...change,
      })
    },
    setHandle: (next: Handle) => void (handle = next),
    customer: async () => (await stripe.customers.create({})).id,
    available: async (customer: string) => (await credits.balance(customer)).available,
    use: (id: string, customer: string, billed: string) =>
      outbox.append([
        exampleRecord({
          id,
          customer,
          at: clock.now(),
          cost: { currency: 'USD', provider: billed, billed, source: 'prices' },
        }),
      ]),
  }
}

export const day = 86_400_000
