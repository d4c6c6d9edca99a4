import { ConfigError, onAbort } from '@token-meter/core/sink'
import Stripe from 'stripe'
import { version } from './version.ts'

/** A client, and what a sink needs of it beyond its methods. */
export interface SinkClient {
  readonly stripe: Stripe
  /**
   * Ties the request with this idempotency key to the signal, for as long as `work` takes. The
   * requests of an application's own client go on when it is aborted.
   */
  during<Value>(key: string, signal: AbortSignal, work: () => Promise<Value>): Promise<Value>
  /** While `during` runs for this key: whether stripe-node has sent it more than once. */
  wasRepeated(key: string): boolean
  /** Leaves an application's own client as it was. */
  close(): void
}

/**
 * A client of our own, whose requests end when their caller's signal is aborted.
 * @throws ConfigError when `baseUrl` is not an http(s) URL of a host alone.
 */
export function createStripeClient(apiKey: string, baseUrl: string | undefined): SinkClient {
  const signals = new Map<string, AbortSignal>()
  // stripe-node before 22 sends the stream to Stripe's own host, whatever `host` it was given.
  const addressed = (url: string) =>
    baseUrl === undefined ? url : url.replace(/^https?:\/\/[^/]+/, new URL(baseUrl).origin)
  const fetchUntilAborted: typeof fetch = (input, init = {}) => {
    const key = new Headers(init.headers).get('idempotency-key') ?? ''
    const ends = [init.signal, signals.get(key)].filter((signal) => signal != null)
    return fetch(addressed(String(input)), { ...init, signal: AbortSignal.any(ends) })
  }
  const stripe = new Stripe(apiKey, {
    ...(baseUrl === undefined ? {} : address(baseUrl)),
    httpClient: Stripe.createFetchHttpClient(fetchUntilAborted),
    maxNetworkRetries: 0,
    telemetry: false,
    appInfo: {
      name: 'token-meter',
      version,
      url: 'https://www.npmjs.com/package/@token-meter/stripe',
    },
  })
  return {
    stripe,
    async during(key, signal, work) {
      // `AbortSignal.any` on the caller's signal itself would grow it with every request.
      const controller = new AbortController()
      const stopListening = onAbort(signal, () => controller.abort(signal.reason))
      signals.set(key, controller.signal)
      try {
        return await work()
      } finally {
        signals.delete(key)
        stopListening()
      }
    },
    // It repeats only what fails with a code of Node's sockets, which errors of fetch do not have.
    wasRepeated: () => false,
    close: () => {},
  }
}

/**
 * A client of the application. With Node's sockets stripe-node sends once more, whatever it is told,
 * when a connection was cut; then the answer to the last request is not the whole truth.
 */
export function sharedStripeClient(stripe: Stripe): SinkClient {
  const timesSent = new Map<string, number>()
  const stopListening = onRequest(stripe, (key) => {
    const times = timesSent.get(key)
    if (times !== undefined) timesSent.set(key, times + 1)
  })
  return {
    stripe,
    async during(key, _signal, work) {
      timesSent.set(key, 0)
      try {
        return await work()
      } finally {
        timesSent.delete(key)
      }
    },
    wasRepeated: (key) => (timesSent.get(key) ?? 0) > 1,
    close: stopListening,
  }
}

function address(baseUrl: string): { host: string; port: string; protocol: 'http' | 'https' } {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  const protocol = url?.protocol.slice(0, -1)
  if (url === undefined || (protocol !== 'http' && protocol !== 'https') || url.pathname !== '/') {
    throw new ConfigError(
      "stripeSink: baseUrl must be a URL without a path, such as 'http://127.0.0.1:12111'",
    )
  }
  return { host: url.hostname, port: url.port || (protocol === 'http' ? '80' : '443'), protocol }
}

type Listener = (idempotencyKey: string) => void

/**
 * Listeners by client, so that a client has one of ours at the most: a platform has a sink for each
 * connected account on one client, and Node warns of a leak at the eleventh listener.
 */
const listeners = new WeakMap<Stripe, { readonly all: Set<Listener>; readonly end: () => void }>()

/** Calls back with the idempotency key of every request that a client sends, until the returned function is called. */
function onRequest(stripe: Stripe, listener: Listener): () => void {
  const own = listeners.get(stripe) ?? listen(stripe)
  own.all.add(listener)
  return () => {
    own.all.delete(listener)
    if (own.all.size === 0) own.end()
  }
}

function listen(stripe: Stripe) {
  const all = new Set<Listener>()
  const onEvent = ({ idempotency_key: key = '' }: Stripe.RequestEvent) => {
    for (const listener of all) listener(key)
  }
  stripe.on('request', onEvent)
  const own = {
    all,
    end: () => {
      stripe.off('request', onEvent)
      if (listeners.get(stripe) === own) listeners.delete(stripe)
    },
  }
  listeners.set(stripe, own)
  return own
}

/** How every request of a sink is made. */
export interface RequestSettings {
  readonly timeoutMs: number
  readonly stripeAccount: string | undefined
}

/** As stripe-node takes it. It sends once: to try again is the delivery's. */
export function requestOptions(
  { timeoutMs, stripeAccount }: RequestSettings,
  idempotencyKey: string,
): Stripe.RequestOptions {
  return {
    idempotencyKey,
    maxNetworkRetries: 0,
    timeout: timeoutMs,
    ...(stripeAccount === undefined ? {} : { stripeAccount }),
  }
}
