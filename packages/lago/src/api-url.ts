import { ConfigError } from '@token-meter/core/sink'

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
