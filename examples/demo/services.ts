import OpenAI from 'openai'
import { startLocalProvider } from './local-provider.ts'
import { localStripe, realStripe, type StripeAccount } from './stripe-account.ts'

/** Both ends of the pipeline, each the real service or a stand-in on this machine. */
export interface Services extends AsyncDisposable {
  readonly stripe: StripeAccount
  readonly customers: Customers
  readonly models: { readonly small: string; readonly large: string }
  readonly descriptions: { readonly provider: string; readonly stripe: string }
}

export type Customers = readonly [ada: string, bob: string, eve: string]

/** The demo cannot run with this environment; the message says what to change. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
}

/**
 * Each end is the real service where the environment has its key, and local otherwise.
 * @throws EnvironmentError when there is a Stripe key, but nobody to bill, or nothing real to bill.
 */
export async function startServices(environment: NodeJS.ProcessEnv): Promise<Services> {
  const stripeKey = environment.STRIPE_RESTRICTED_KEY || environment.STRIPE_API_KEY
  const customers = customersFrom(environment, Boolean(stripeKey))
  if (stripeKey?.includes('_live_') && !environment.OPENAI_API_KEY) {
    throw new EnvironmentError(
      'There is a live Stripe key in the environment and no OPENAI_API_KEY, so the demo would bill ' +
        'real customers for made-up tokens. Set OPENAI_API_KEY, or use the key of a Stripe sandbox.',
    )
  }
  await using started = new AsyncDisposableStack()

  let models = { small: 'gpt-5.4-mini', large: 'gpt-5.4' }
  let provider: string
  if (environment.OPENAI_API_KEY) {
    const model = environment.TOKEN_METER_DEMO_MODEL || models.small
    models = { small: model, large: model }
    provider = `real: ${new OpenAI().baseURL}`
  } else {
    const { url } = started.use(await startLocalProvider())
    // The SDK reads these, so that the demo can say `new OpenAI()` as an application does.
    environment.OPENAI_API_KEY = 'no-key-needed'
    environment.OPENAI_BASE_URL = `${url}/v1`
    provider = stripeKey
      ? 'on this machine: scripted answers, whose made-up tokens are billed in the real Stripe'
      : 'on this machine: scripted answers, over real HTTP. With OPENAI_API_KEY: the real OpenAI.'
  }
  const stripe = stripeKey ? realStripe(stripeKey) : started.use(await localStripe())

  const running = started.move()
  return {
    stripe,
    customers,
    models,
    descriptions: { provider, stripe: stripe.description },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function customersFrom(
  { TOKEN_METER_DEMO_CUSTOMERS }: NodeJS.ProcessEnv,
  areReal: boolean,
): Customers {
  if (!TOKEN_METER_DEMO_CUSTOMERS) {
    if (!areReal) return ['cus_ada', 'cus_bob', 'cus_eve']
    throw new EnvironmentError(
      'There is a Stripe key in the environment, so the demo would bill real customers, ' +
        `but TOKEN_METER_DEMO_CUSTOMERS does not say which. ${howToChoose}`,
    )
  }
  const [ada, bob, eve, ...more] = TOKEN_METER_DEMO_CUSTOMERS.split(',').map((id) => id.trim())
  if (ada && bob && eve && more.length === 0) return [ada, bob, eve]
  throw new EnvironmentError(`TOKEN_METER_DEMO_CUSTOMERS must name three customers. ${howToChoose}`)
}

const howToChoose = `
Set it to three customers of a Stripe sandbox:

  TOKEN_METER_DEMO_CUSTOMERS=cus_a,cus_b,cus_c

or unset STRIPE_RESTRICTED_KEY and STRIPE_API_KEY for a Stripe on this machine.`
