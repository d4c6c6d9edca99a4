/**
 * A gateway that meters by itself what passes through it: `TOKEN_METER_GATEWAY` has its base URL, of several with
 * commas between them. A call to below one of them is metered there, and not here, where its answer says so by
 * `x-token-meter-request-id`. Without that header it is another server, or the variable is wrong, and the call
 * is recorded as any other. Nothing is held for it here in either case, and it is never refused for want of a
 * customer: whether it may be sent is for the gateway to say, which knows who pays.
 */
import type { HttpHeaders } from '../wire/http-headers.ts'

/** The header of its answers. */
const answerHeader = 'x-token-meter-request-id'

interface Base {
  readonly protocol: string
  readonly host: string
  /** Without a slash at its end. */
  readonly path: string
}

let known: { readonly value: string; readonly bases: readonly Base[] } = { value: '', bases: [] }

/** Some gateway is named. */
export function isGatewayNamed(): boolean {
  return Boolean(namedGateways())
}

function namedGateways(): string | undefined {
  return globalThis.process?.env?.['TOKEN_METER_GATEWAY']
}

/** True for an address below a base URL of `TOKEN_METER_GATEWAY`, and for such a base URL. */
export function isOfGateway(address: string | undefined): boolean {
  const value = namedGateways()
  if (!value || address === undefined) return false
  if (known.value !== value) known = { value, bases: value.split(',').flatMap(baseOf) }
  const place = placeOf(address)
  return (
    place !== undefined &&
    known.bases.some(
      ({ protocol, host, path }) =>
        host === place.host &&
        // A socket of the same server: SDKs write `wss:` whatever the base URL has.
        (protocol === place.protocol || place.protocol.startsWith('ws')) &&
        (place.path === path || place.path.startsWith(`${path}/`)),
    )
  )
}

/** True for headers of an answer that a gateway has metered. */
export function isAnswerOfGateway(headers: HttpHeaders | undefined): boolean {
  return Boolean(headers?.get(answerHeader))
}

function baseOf(url: string): readonly Base[] {
  const base = placeOf(url.trim())
  return base === undefined ? [] : [base]
}

function placeOf(address: string): Base | undefined {
  if (!URL.canParse(address)) return undefined
  const { protocol, host, pathname } = new URL(address)
  return { protocol, host, path: pathname.replace(/\/+$/, '') }
}
