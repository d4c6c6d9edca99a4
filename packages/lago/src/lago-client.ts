import { ConfigError } from '@token-meter/core/sink'
import { Client } from 'lago-javascript-client'
import { checkedApiKey } from './api-key.ts'
import { lagoApiUrl } from './api-url.ts'
import type { LagoSinkOptions } from './lago-sink-options.ts'
import type { LagoEvent } from './to-lago-events.ts'
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

/** The client that the options ask for, and the key that no text may show. */
export function lagoClient(options: LagoSinkOptions): {
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

function checkClient(options: LagoSinkOptions, client: Partial<LagoClient> | null): void {
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
