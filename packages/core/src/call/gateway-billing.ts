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

const names = billingHeaders.flat()
const known = new Set(names)

/**
 * The headers by which the gateway of a request bills its customer itself; `undefined` when it does
 * not.
 *
 * @param sources what the SDK merges, in its order: the client's default headers, the request's.
 * Each a `Headers`, pairs, an object (where a value of null takes a header out), or nothing.
 */
export function gatewayBilling(...sources: readonly unknown[]): GatewayBillingHeaders | undefined {
  const present = new Set<string>()
  for (const source of sources) {
    for (const [name, value] of knownHeaders(source)) {
      if (value === undefined) continue
      if (value === null || value === '') present.delete(name)
      else present.add(name)
    }
  }
  if (present.size === 0) return undefined
  return billingHeaders.find((names) => names.every((name) => present.has(name)))
}

/** The SDK's own merged headers: what is set, and what is taken out. */
interface NullableHeaders {
  readonly values: Headers
  readonly nulls: ReadonlySet<string>
}

/**
 * The known headers of a source, in lower case. Nothing that the caller wrote is run for them:
 * a getter may answer only once, and an iterator can be used up.
 */
function knownHeaders(source: unknown): readonly (readonly [string, unknown])[] {
  if (typeof source !== 'object' || source === null) return []
  if (source instanceof Map) return pickKnown([...source])
  if (Array.isArray(source)) return pickKnown(source)
  if (isHeaders(source)) return [...known].map((name) => [name, source.get(name) ?? undefined])
  const { values, nulls } = source as Partial<NullableHeaders>
  if (isHeaders(values) && nulls !== undefined) {
    return [...known].map((name) => [
      name,
      nulls.has(name) ? null : (values.get(name) ?? undefined),
    ])
  }
  const names = Object.keys(source).filter((name) => known.has(name.toLowerCase()))
  if (names.length === 0) return []
  return pickKnown(
    names.map((name) => [name, Object.getOwnPropertyDescriptor(source, name)?.value as unknown]),
  )
}

function pickKnown(pairs: readonly unknown[]): readonly (readonly [string, unknown])[] {
  return pairs
    .filter((pair) => Array.isArray(pair))
    .map(([name, value]): readonly [string, unknown] => [String(name).toLowerCase(), value])
    .filter(([name]) => known.has(name))
}

/** By its shape: polyfills have classes of their own. */
function isHeaders(value: unknown): value is Headers {
  const { get, append } = (value ?? {}) as Partial<Headers>
  return typeof get === 'function' && typeof append === 'function'
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
