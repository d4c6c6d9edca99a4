import { ConfigError } from '@token-meter/core/sink'

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
