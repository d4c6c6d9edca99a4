/** The headers that an upstream gets of a request: the caller's, as they came, but for what is named here. */
import type { Upstream } from '../upstream.ts'
import { bearerToken, credentialHeaders } from '../keys/presented-key.ts'
import { payerHeaders } from '../payer/payer.ts'
import { connectionNames, headerPairs, type RequestHeaders } from './raw-headers.ts'

/** Set by who sends the request on: by its framing and its address. */
const framing: ReadonlySet<string> = new Set(['host', 'content-length', 'expect', 'trailer'])

/** For the gateway, and for nobody behind it. */
const forGateway: ReadonlySet<string> = new Set(payerHeaders)

const credentials: ReadonlySet<string> = new Set(credentialHeaders)

/** They make another request of it than the one that was looked at. */
const overrides: ReadonlySet<string> = new Set([
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
])

/** They choose who pays at the provider, for the key that they came with. */
const ofAccount: ReadonlySet<string> = new Set(['openai-organization', 'openai-project'])

/** True for what only the gateway reads. */
export function isForGateway(name: string): boolean {
  return forGateway.has(name) || name.startsWith('x-token-meter-')
}

export interface UpstreamHeadersOptions {
  /** The answer is to be read and changed: it must not come encoded. */
  readonly asksIdentity: boolean
  /** What is sent as the length of a body that is streamed; `undefined` where it is not known. */
  readonly contentLength?: string | undefined
}

/**
 * @returns names and values by turns, as undici takes them. What is set in place of a header of the caller's
 * stands where that did; what a caller's `Connection` names takes nothing away of what is set here.
 */
export function upstreamHeaders(
  headers: RequestHeaders,
  upstream: Upstream,
  { asksIdentity, contentLength }: UpstreamHeadersOptions,
): string[] {
  const set = new Map<string, string>(Object.entries(upstream.headers))
  const isOurs = upstream.auth !== 'caller'
  const credential = credentialOf(upstream)
  if (credential !== undefined) set.set(credential[0], credential[1])
  if (asksIdentity) set.set('accept-encoding', 'identity')
  const dropped = connectionNames(headers)
  const passed: string[] = []
  const placed = new Set<string>()
  for (const [name, value] of headerPairs(headers.raw)) {
    const key = name.toLowerCase()
    const other = set.get(key)
    if (other !== undefined) {
      if (!placed.has(key)) passed.push(name, other)
      placed.add(key)
      continue
    }
    if (framing.has(key) || dropped.has(key) || overrides.has(key) || isForGateway(key)) continue
    if (credentials.has(key) && (isOurs || isOwnKey(key, value))) continue
    if (isOurs && ofAccount.has(key)) continue
    passed.push(name, value)
  }
  for (const [name, value] of set) if (!placed.has(name)) passed.push(name, value)
  if (contentLength !== undefined) passed.push('content-length', contentLength)
  return passed
}

/** A key of the gateway, where the caller's own credential passes. */
function isOwnKey(name: string, value: string): boolean {
  const key = name === 'authorization' ? bearerToken(value.trim()) : value.trim()
  return key.startsWith('tm-')
}

function credentialOf({ auth, apiKey }: Upstream): readonly [string, string] | undefined {
  if (auth === 'caller' || apiKey === undefined) return undefined
  return auth === 'bearer' ? ['authorization', `Bearer ${apiKey}`] : [auth, apiKey]
}
