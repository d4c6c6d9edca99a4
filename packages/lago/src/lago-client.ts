import { ConfigError, checkedKey } from '@token-meter/core/sink'
import { Client } from 'lago-javascript-client'
import type { LagoEvent } from './lago-events.ts'
import { version } from './version.ts'

/** What the sink asks of every request. */
export interface LagoRequestParams {
  readonly signal: AbortSignal
  /** A redirect is a wrong URL: followed, it would turn a POST into a GET. */
  readonly redirect: 'manual'
}

/** The part of a client of lago-javascript-client that the sink uses. */
export interface LagoClient {
  readonly events: {
    createBatchEvents(
      input: { events: LagoEvent[] },
      params?: LagoRequestParams,
    ): Promise<{ readonly data: unknown }>
  }
  /** Needed for `checkCodes`. */
  readonly billableMetrics?: {
    findBillableMetric(code: string, params?: LagoRequestParams): Promise<unknown>
  }
  /** Needed for `checkSubscriptions`. */
  readonly subscriptions?: {
    findSubscription(
      externalId: string,
      query?: { readonly status?: 'active' | 'terminated' },
      params?: LagoRequestParams,
    ): Promise<unknown>
  }
}

/** The options that name a client, and what it is asked for. */
interface ClientOptions {
  readonly apiKey?: string | undefined
  readonly apiUrl?: string | undefined
  readonly client?: LagoClient | undefined
  readonly checkCodes?: boolean | undefined
  readonly checkSubscriptions?: boolean | undefined
}

/** The client that the options ask for, and the key that no text may show. */
export function lagoClient(options: ClientOptions): {
  readonly client: LagoClient
  readonly apiKey: string | undefined
} {
  const { apiKey, apiUrl, client } = options
  if (client === undefined) {
    const key = checkedApiKey(apiKey)
    // Without `rateLimitRetry` it sends once: to wait and to try again is the delivery's.
    const own = Client(key, {
      ...(apiUrl === undefined ? {} : { baseUrl: lagoApiUrl(apiUrl) }),
      baseApiParams: { headers: { 'User-Agent': `token-meter/${version}` } },
    })
    return { client: own, apiKey: key }
  }
  if (apiKey !== undefined || apiUrl !== undefined) {
    throw new ConfigError('lagoSink: give either client, or apiKey and apiUrl')
  }
  checkClient(options, client)
  const { securityData } = client as { readonly securityData?: unknown }
  return { client, apiKey: typeof securityData === 'string' ? securityData : undefined }
}

function checkClient(options: ClientOptions, client: Partial<LagoClient> | null): void {
  const needed = {
    'events.createBatchEvents': client?.events?.createBatchEvents,
    ...(options.checkCodes === true && {
      'billableMetrics.findBillableMetric': client?.billableMetrics?.findBillableMetric,
    }),
    ...(options.checkSubscriptions === true && {
      'subscriptions.findSubscription': client?.subscriptions?.findSubscription,
    }),
  }
  for (const [name, method] of Object.entries(needed)) {
    if (typeof method === 'function') continue
    throw new ConfigError(
      `lagoSink: client has no ${name}: it must be a client of lago-javascript-client, Client(key)`,
    )
  }
}

/**
 * The key, checked as far as it can be without a request. No message holds any of it.
 * @throws ConfigError when it is missing or can be no key.
 */
export function checkedApiKey(apiKey: unknown): string {
  return checkedKey(apiKey, {
    sink: 'lagoSink',
    option: 'apiKey',
    kind: 'key',
    wanted: 'an API key of your Lago organization (Developers > API keys)',
  })
}

const api = '/api/v1'

/**
 * The base URL that the client takes, from one with or without the API's own path.
 * @throws ConfigError when it is not an http(s) URL, or has more than a path. No message holds any
 * of it, because there may be a password in it.
 */
export function lagoApiUrl(apiUrl: unknown): string {
  const url = typeof apiUrl === 'string' && URL.canParse(apiUrl) ? new URL(apiUrl) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError("lagoSink: apiUrl must be a URL such as 'https://api.getlago.com'")
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new ConfigError(
      "lagoSink: apiUrl must have no name, password, query or hash: 'https://lago.example.com'",
    )
  }
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${path.endsWith(api) ? path : path + api}`
}
