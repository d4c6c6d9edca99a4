import { requestHeaders } from '../wire/http-headers.ts'
import { isOfGateway } from './own-gateway.ts'
import type { CallObserver } from './provider.ts'

/** Headers by which a gateway is told to bill the calls to Stripe itself. */
export type GatewayBillingHeaders = readonly string[]

/**
 * Sets of headers that make a gateway bill: all of one set, or nothing happens.
 * https://vercel.com/docs/ai-gateway/ecosystem/stripe-billing (Vercel AI Gateway);
 * `x-stripe-customer-id` is what llm.stripe.com and Helicone take.
 */
const billingHeaders: readonly GatewayBillingHeaders[] = [
  ['stripe-customer-id', 'stripe-restricted-access-key'],
  ['x-stripe-customer-id'],
]

/**
 * The headers by which the gateway of a request bills its customer itself; `undefined` when it does
 * not.
 *
 * @param sources what the SDK merges, in its order, as `requestHeaders` takes it.
 */
export function gatewayBilling(...sources: readonly unknown[]): GatewayBillingHeaders | undefined {
  if (sources.every((source) => source === undefined || source === null)) return undefined
  const headers = requestHeaders(...sources)
  return billingHeaders.find((names) => names.every((name) => headers.get(name)))
}

/** What SDKs made by Stainless (OpenAI, Anthropic) have. */
interface ClientWithHeaders {
  readonly baseURL?: unknown
  readonly _options?: { readonly defaultHeaders?: unknown }
}

/** Gateways warned of, by host and headers: once in a process. */
const warned = new Set<string>()

/**
 * Warns, once per process and gateway, when the calls of one metered client are billed by their
 * gateway as well. The client's own headers are looked at once, with its first call; a request's
 * only where it has some.
 */
export class GatewayBillingWatch {
  readonly #observer: CallObserver
  #clientSeen = false

  constructor(observer: CallObserver) {
    this.#observer = observer
  }

  /** A billable request is about to be sent, with these headers of its own. */
  see(client: ClientWithHeaders, requestHeaders: unknown): void {
    if (this.#clientSeen && (requestHeaders === undefined || requestHeaders === null)) return
    this.#clientSeen = true
    // It is the one that meters them, and nobody else does.
    if (typeof client.baseURL === 'string' && isOfGateway(client.baseURL)) return
    const billing = gatewayBilling(client._options?.defaultHeaders, requestHeaders)
    if (billing === undefined) return
    const gateway = hostOf(client.baseURL)
    const key = `${gateway} ${billing.join()}`
    if (warned.has(key)) return
    warned.add(key)
    this.#observer.fault(
      `customers would be billed twice: calls to ${gateway} carry ${billing.join(' and ')}, by ` +
        'which the gateway bills their tokens to Stripe itself, and this meter bills them as well. ' +
        'Take the headers out, or do not meter this client',
    )
  }
}

function hostOf(baseUrl: unknown): string {
  return typeof baseUrl === 'string' && URL.canParse(baseUrl)
    ? new URL(baseUrl).host
    : 'the gateway'
}
