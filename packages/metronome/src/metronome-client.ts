import Metronome from '@metronome/sdk'
import { ConfigError, checkedKey } from '@token-meter/core/sink'
import type { MetronomeEvent } from './metronome-events.ts'

/** What is used of a client of `@metronome/sdk`. */
export interface MetronomeClient {
  readonly v1: {
    readonly usage: {
      ingest(
        body: { usage: MetronomeEvent[] },
        options: IngestOptions,
      ): { asResponse(): Promise<IngestAnswer> }
    }
  }
}

/** How one request is made. */
export interface IngestOptions {
  readonly maxRetries: number
  /** In ms. */
  readonly timeout: number
  readonly signal: AbortSignal
  readonly fetchOptions: { readonly redirect: 'manual' }
}

/** What is used of an answer of success. */
export interface IngestAnswer {
  text(): Promise<string>
}

/**
 * A client, and the token that must not be shown.
 * @throws ConfigError when there is no token, the URL is none, or the client is no client.
 */
export function metronomeClient(options: {
  readonly bearerToken?: string | undefined
  readonly baseUrl?: string | undefined
  readonly client?: MetronomeClient | undefined
}): { readonly client: MetronomeClient; readonly bearerToken: string | undefined } {
  const { client, baseUrl } = options
  if (client === undefined) {
    const bearerToken = checkedBearerToken(options.bearerToken)
    if (baseUrl !== undefined) checkUrl('baseUrl', baseUrl)
    // Off: at the level `debug`, which the environment can set, it would print requests.
    const own = new Metronome({ bearerToken, baseURL: baseUrl, maxRetries: 0, logLevel: 'off' })
    checkUrl('METRONOME_BASE_URL', own.baseURL)
    return { client: own, bearerToken }
  }
  if (options.bearerToken !== undefined || baseUrl !== undefined) {
    throw new ConfigError('metronomeSink: give either client, or bearerToken and baseUrl')
  }
  const { v1, bearerToken } = (client ?? {}) as Partial<Metronome>
  if (typeof v1?.usage?.ingest !== 'function') {
    throw new ConfigError(
      'metronomeSink: client must be a client of @metronome/sdk: new Metronome({ bearerToken })',
    )
  }
  return { client, bearerToken: typeof bearerToken === 'string' ? bearerToken : undefined }
}

function checkUrl(name: string, url: unknown): void {
  const { protocol, username, search, hash } =
    typeof url === 'string' && URL.canParse(url) ? new URL(url) : ({} as Partial<URL>)
  const isWeb = protocol === 'http:' || protocol === 'https:'
  if (isWeb && username === '' && search === '' && hash === '') return
  throw new ConfigError(
    `metronomeSink: ${name} must be an http(s) URL without user, query and hash, such as 'https://api.metronome.com'`,
  )
}

/**
 * The token, checked as far as it can be without a request. No message holds any of it.
 * @throws ConfigError when it is missing, or is none that can be sent.
 */
export function checkedBearerToken(bearerToken: unknown): string {
  if (typeof bearerToken === 'string' && /^bearer\s/i.test(bearerToken)) {
    throw new ConfigError(
      'metronomeSink: bearerToken begins with "Bearer"; set it to the token alone',
    )
  }
  return checkedKey(bearerToken, {
    sink: 'metronomeSink',
    option: 'bearerToken',
    kind: 'token',
    wanted: 'an API token of Metronome (Connections, API tokens & webhooks) that may ingest usage',
  })
}
