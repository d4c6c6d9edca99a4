import type { StripeSinkOptions } from '@token-meter/stripe'
import { type FakeStripe, startFakeStripe } from '@token-meter/testkit'
import OpenAI from 'openai'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { customersFrom, EnvironmentError } from './customers.ts'
import { startLocalProvider } from './local-provider.ts'
import { localSeller, realSeller, type Seller } from './seller.ts'
import { localCustomers, type StripeCustomers } from './tenants.ts'

/** What the server needs from outside, each the real thing or a stand-in on this machine. */
export interface Services extends AsyncDisposable {
  readonly model: string
  readonly stripe: StripeSinkOptions
  /** Of the event destination that tells of usage that Stripe could not bill. */
  readonly webhookSecret: string | undefined
  /** Where Stripe is on this machine. */
  readonly fake: FakeStripe | undefined
  /** Who sells credit, once it is known where this server is; nothing where none is sold. */
  openSeller(url: string): Promise<Seller | undefined>
  readonly customers: StripeCustomers
  /** Where the usage is kept. */
  readonly outboxFile: string
  /** For the console: what is real here, and what is not. */
  readonly descriptions: { readonly model: string; readonly stripe: string }
}

/**
 * Each end is the real service where the environment has its key, and local otherwise.
 * @throws EnvironmentError when there is a Stripe key, but nobody to bill, or nothing real to bill.
 */
export async function startServices(environment: NodeJS.ProcessEnv): Promise<Services> {
  const model = environment.TOKEN_METER_CHAT_MODEL || 'gpt-5.4-mini'
  const stripeKey = environment.STRIPE_RESTRICTED_KEY || environment.STRIPE_API_KEY
  if (stripeKey?.includes('_live_') && !environment.OPENAI_API_KEY) {
    throw new EnvironmentError(
      'There is a live Stripe key in the environment and no OPENAI_API_KEY, so the chat would bill ' +
        'real customers for made-up tokens. Set OPENAI_API_KEY, or use the key of a Stripe sandbox.',
    )
  }
  const customers = stripeKey ? customersFrom(environment) : localCustomers
  await using started = new AsyncDisposableStack()

  let modelDescription: string
  if (environment.OPENAI_API_KEY) {
    modelDescription = `real: ${model} at ${new OpenAI().baseURL}`
  } else {
    const { url } = started.use(await startLocalProvider())
    // The SDK reads these, so that the chat can say `new OpenAI()` as an application does.
    environment.OPENAI_API_KEY = 'no-key-needed'
    environment.OPENAI_BASE_URL = `${url}/v1`
    modelDescription = stripeKey
      ? 'on this machine: its made-up tokens are billed in the real Stripe'
      : 'on this machine: a stand-in, over real HTTP. With OPENAI_API_KEY: the real OpenAI.'
  }

  const fake = stripeKey ? undefined : started.use(await startFakeStripe())

  const running = started.move()
  return {
    model,
    stripe: fake ? { apiKey: fake.apiKey, baseUrl: fake.url } : { apiKey: stripeKey },
    fake,
    openSeller: async (url) =>
      fake ? await localSeller(fake, url) : await realSeller(stripeKey ?? '', environment),
    webhookSecret: environment.STRIPE_WEBHOOK_SECRET || undefined,
    customers,
    // What a stand-in was not sent must not wait on disk for the real Stripe.
    outboxFile: join(stripeKey ? '.token-meter' : temporaryFolder(), 'usage.db'),
    descriptions: {
      model: modelDescription,
      stripe: stripeKey
        ? 'real: https://api.stripe.com'
        : 'on this machine: a fake, over real HTTP. With STRIPE_RESTRICTED_KEY: the real Stripe.',
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'token-meter-chat-'))
}
