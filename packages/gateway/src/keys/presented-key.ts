/** The gateway's key, in whichever place a client puts its own. */
import { GatewayRefusal } from '../refusal.ts'

/** The gateway's own header, which wins nothing: it must agree with the others too. */
export const ownKeyHeader = 'x-token-meter-key'

/** Headers that hold nothing but a key. */
const keyHeaders: readonly string[] = ['x-api-key', 'api-key', 'x-goog-api-key', ownKeyHeader]

/** Headers with the caller's credential, none of which goes to an upstream as it came. */
export const credentialHeaders: readonly string[] = ['authorization', ...keyHeaders]

/** How browsers put a key into the head of a WebSocket for OpenAI. */
export const keyProtocolPrefix = 'openai-insecure-api-key.'

export interface PresentedRequest {
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[]
  readonly query: URLSearchParams
  /**
   * The upstream takes the caller's own credential: the key is looked for in `x-token-meter-key` alone.
   * @default false
   */
  readonly isCallerAuth?: boolean
}

/**
 * The key that a request came with; `undefined` where it has none.
 * @throws GatewayRefusal 401 where two places have two keys, or one has an `Authorization` that is no key.
 */
export function presentedKey({
  headers,
  query,
  isCallerAuth = false,
}: PresentedRequest): string | undefined {
  const found = new Set<string>()
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index]?.toLowerCase() ?? ''
    const value = (headers[index + 1] ?? '').trim()
    if (name === ownKeyHeader) found.add(value)
    else if (isCallerAuth) continue
    else if (keyHeaders.includes(name)) found.add(value)
    else if (name === 'authorization') found.add(bearerToken(value))
    else if (name === 'sec-websocket-protocol') {
      for (const protocol of value.split(',').map((each) => each.trim())) {
        if (protocol.startsWith(keyProtocolPrefix)) {
          found.add(protocol.slice(keyProtocolPrefix.length))
        }
      }
    }
  }
  if (!isCallerAuth) for (const key of query.getAll('key')) found.add(key)
  // What an SDK sends that was given no key.
  found.delete('')
  if (found.size > 1) {
    throw new GatewayRefusal(
      401,
      'unauthorized',
      'This request came with more than one key: send the key of the gateway in one place, or the same one in each',
    )
  }
  return found.values().next().value
}

/** Another scheme is a credential too: it is no key, and so is refused as one. */
export function bearerToken(value: string): string {
  const match = /^bearer(?:\s+(.*))?$/is.exec(value)
  return match === null ? value : (match[1] ?? '')
}
