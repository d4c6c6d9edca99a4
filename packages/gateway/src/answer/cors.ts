/** What lets browsers call, where that is wanted: by default nothing does. */
import type { HttpHeaders } from '@token-meter/core/wire'
import { requestIdHeader } from './answer-headers.ts'

/** Origins, as browsers name them, that may call; empty for none. */
export type CorsOrigins = ReadonlySet<string>

/** Of an answer to a page of that origin: names and values by turns. */
export function corsHeaders(headers: HttpHeaders, origins: CorsOrigins): readonly string[] {
  const origin = headers.get('origin')
  if (origin === null || !origins.has(origin)) return []
  return [
    'access-control-allow-origin',
    origin,
    'access-control-expose-headers',
    [requestIdHeader, 'request-id', 'x-request-id', 'retry-after', 'x-should-retry'].join(', '),
    'vary',
    'Origin',
  ]
}

/** What `OPTIONS` is answered, which never goes to an upstream: names and values by turns. */
export function preflightHeaders(headers: HttpHeaders, origins: CorsOrigins): readonly string[] {
  const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
  const allowed = corsHeaders(headers, origins)
  if (allowed.length === 0) return ['allow', methods]
  const asked = headers.get('access-control-request-headers')
  return [
    'allow',
    methods,
    ...allowed,
    'access-control-allow-methods',
    methods,
    ...(asked === null ? [] : ['access-control-allow-headers', asked]),
    'access-control-max-age',
    '600',
  ]
}
