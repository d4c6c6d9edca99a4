import { ConfigError } from '@token-meter/core/adapter'
import Stripe from 'stripe'
import { version } from './version.ts'

/** A client of our own, whose requests end when their caller's signal is aborted. */
export interface AbortableStripe {
  readonly stripe: Stripe
  /** Ties the request with this idempotency key to the signal, for as long as `work` takes. */
  during<Value>(key: string, signal: AbortSignal, work: () => Promise<Value>): Promise<Value>
}

/** @throws ConfigError when `baseUrl` is not an http(s) URL of a host alone. */
export function createStripeClient(apiKey: string, baseUrl: string | undefined): AbortableStripe {
  const signals = new Map<string, AbortSignal>()
  const fetchUntilAborted: typeof fetch = (input, init = {}) => {
    const key = new Headers(init.headers).get('idempotency-key') ?? ''
    const ends = [init.signal, signals.get(key)].filter((signal) => signal != null)
    return fetch(input, { ...init, signal: AbortSignal.any(ends) })
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
      const abort = () => controller.abort(signal.reason)
      signal.addEventListener('abort', abort)
      signals.set(key, controller.signal)
      try {
        return await work()
      } finally {
        signals.delete(key)
        signal.removeEventListener('abort', abort)
      }
    },
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
