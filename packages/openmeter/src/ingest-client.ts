import { OpenMeter } from '@openmeter/sdk'
import { ConfigError, optionCheck } from '@token-meter/core/sink'
import { isVisible, type IngestClient, type OpenMeterSinkOptions } from './options.ts'

/** @throws ConfigError when the options name no OpenMeter, or more than one. */
export function ingestClient({ client, url, apiKey }: OpenMeterSinkOptions): IngestClient {
  if (client !== undefined) {
    if (url !== undefined || apiKey !== undefined) {
      throw new ConfigError('openMeterSink: give either client, or url and apiKey')
    }
    if (typeof (client as Partial<IngestClient> | null)?.events?.ingest === 'function')
      return client
    throw new ConfigError(
      'openMeterSink: client must be a client of @openmeter/sdk: new OpenMeter({ baseUrl })',
    )
  }
  if (url === undefined && apiKey === undefined) {
    throw new ConfigError(
      'openMeterSink: set url (OPENMETER_URL) to your OpenMeter, such as http://localhost:8888, or apiKey (OPENMETER_API_KEY) for https://openmeter.cloud',
    )
  }
  const check = optionCheck('openMeterSink')
  check('apiKey', apiKey ?? 'none', 'a key without white space, or left out', isVisible)
  const { href, needsKey } = ingestEndpoint(url ?? 'https://openmeter.cloud')
  if (needsKey && apiKey === undefined) {
    throw new ConfigError(
      'openMeterSink: this url needs a key: set apiKey (OPENMETER_API_KEY) to one that may ingest events',
    )
  }
  return createOwnClient(href, apiKey)
}

/**
 * A client of our own that posts to the endpoint. The SDK knows only the path of OpenMeter's v1, so
 * the address is put in where the request is made.
 */
function createOwnClient(endpoint: string, apiKey: string | undefined): IngestClient {
  class IngestRequest extends Request {
    constructor(_path: RequestInfo | URL, init?: RequestInit) {
      // A redirected POST can arrive as a GET, which lists events and looks like success.
      super(endpoint, { ...init, redirect: 'manual' })
    }
  }
  return new OpenMeter({
    baseUrl: new URL(endpoint).origin,
    ...(apiKey === undefined ? {} : { apiKey }),
    Request: IngestRequest,
  })
}

const examples =
  "'http://localhost:8888', 'https://openmeter.cloud' or 'https://us.api.konghq.com/v3/openmeter'"

/** Where events are posted to, and whether that takes no events without a key. */
export interface IngestEndpoint {
  readonly href: string
  readonly needsKey: boolean
}

/**
 * The address that events are posted to. `url` may be the one of the server, also below a path of a
 * proxy, the one of its API (`.../api/v1`, `.../v3/openmeter`), or that of its events.
 * @throws ConfigError for anything but an http(s) URL without a query or a password. It shows none
 * of the URL, which may hold a secret.
 */
export function ingestEndpoint(url: unknown): IngestEndpoint {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new ConfigError(`openMeterSink: url must be an http(s) URL such as ${examples}`)
  }
  const { origin, hostname, username, password, search, hash } = parsed
  if (username + password !== '') {
    throw new ConfigError('openMeterSink: url must have no user name or password: set apiKey')
  }
  if (search + hash !== '') {
    throw new ConfigError(`openMeterSink: url must have no query, such as ${examples}`)
  }
  const isKonnect = hostname.endsWith('.konghq.com')
  const path = parsed.pathname
    .replace(/\/+$/, '')
    .replace(/(\/api\/v1|\/v3\/openmeter)\/events$/, '$1')
  return {
    href: `${origin}${apiPath(path, isKonnect)}/events`,
    needsKey: isKonnect || hostname === 'openmeter.cloud' || hostname.endsWith('.openmeter.cloud'),
  }
}

function apiPath(path: string, isKonnect: boolean): string {
  if (/\/(?:api\/v1|v3\/openmeter)$/.test(path)) return path
  return isKonnect && path === '' ? '/v3/openmeter' : `${path}/api/v1`
}
