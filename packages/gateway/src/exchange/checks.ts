/** What is refused of a request before it is read, or once its body is. */
import type { Socket } from 'node:net'
import type { CorsOrigins } from '../answer/cors.ts'
import type { Caller } from '../caller.ts'
import { presentedKey } from '../keys/presented-key.ts'
import { GatewayRefusal } from '../refusal.ts'
import type { NamedModels } from '../request/body-fields.ts'
import type { RequestHeaders } from '../request/raw-headers.ts'
import { ClientLeft } from '../request/read-body.ts'
import type { Route } from '../route/route.ts'

/** Connections on which nobody knows where a request ends: what comes on them is none. */
const unframed = new WeakSet<Socket>()

export function isUnframed(socket: Socket): boolean {
  return unframed.has(socket)
}

/**
 * Where a message ends must be one thing: who reads it otherwise sees another request behind it. Node's parser
 * refuses most of this by itself, unless it is told to be lenient.
 *
 * @throws GatewayRefusal 400, and ClientLeft for what comes behind such a message.
 */
export function checkFraming(headers: RequestHeaders, socket: Socket): void {
  if (unframed.has(socket)) throw new ClientLeft()
  const encodings = headers.all('transfer-encoding')
  const lengths = headers.all('content-length')
  const isChunked = encodings.length === 1 && /^\s*chunked\s*$/i.test(encodings[0] ?? '')
  const isSized = lengths.length === 1 && /^\d+$/.test(lengths[0] ?? '')
  if (encodings.length === 0 && lengths.length === 0) return
  if (encodings.length === 0 && isSized) return
  if (isChunked && lengths.length === 0) return
  unframed.add(socket)
  throw new GatewayRefusal(
    400,
    'invalid_request',
    'the request does not say in one way how long its body is',
  )
}

/**
 * The key that a request presents.
 * @throws GatewayRefusal 400 for a signature of AWS, which covers host and key; 401 for two keys that differ.
 */
export function keyOf(headers: RequestHeaders, query: string, route: Route): string | undefined {
  const isSigned =
    /^\s*AWS4-/i.test(headers.get('authorization') ?? '') ||
    /[?&]x-amz-(?:signature|credential)=/i.test(query)
  if (isSigned) {
    throw new GatewayRefusal(
      400,
      'invalid_request',
      'the request is signed for AWS (SigV4), which cannot be passed on: use an API key of Amazon Bedrock, ' +
        'which is sent as a bearer token',
    )
  }
  return presentedKey({
    headers: headers.raw,
    query: new URLSearchParams(query),
    isCallerAuth: route.upstream.auth === 'caller',
  })
}

/**
 * Where nobody needs a key, any page in a browser on the machine could call: it tells where it is from.
 * @throws GatewayRefusal 403
 */
export function checkOrigin(caller: Caller, headers: RequestHeaders, origins: CorsOrigins): void {
  const origin = headers.get('origin')
  if (caller.keyId !== null || origin === null || origins.has(origin)) return
  throw new GatewayRefusal(
    403,
    'forbidden',
    'a gateway without keys takes no calls of web pages, but of those whose origin is in cors.origins',
  )
}

/** @throws GatewayRefusal 400 for a header that has an answer of Google's without its usage. */
function checkFieldMask({ kind }: Route, headers: RequestHeaders): void {
  if (kind !== 'inference' || headers.get('x-goog-fieldmask') === null) return
  throw new GatewayRefusal(
    400,
    'invalid_request',
    'with X-Goog-FieldMask the answer need not say what it used: leave it out',
  )
}

/** @throws GatewayRefusal 403 for a path that the key may not ask, 400 for a header that hides what it uses. */
export function checkKind(route: Route, { allowUnknown }: Caller, headers: RequestHeaders): void {
  const { kind, upstream } = route
  checkFieldMask(route, headers)
  if (kind === 'forbidden') {
    throw new GatewayRefusal(
      403,
      'forbidden',
      'this path shows or changes what belongs to all callers, or hands out keys: no key of the gateway may ask it',
    )
  }
  if (kind !== 'unknown' || allowUnknown) return
  throw new GatewayRefusal(
    403,
    'forbidden',
    `the gateway does not know this path of "${upstream.name}", and could not meter it: the key may not ask it`,
  )
}

/** @throws GatewayRefusal 403 for a model that the key may not ask, and for a call that names none. */
export function checkModels(
  { kind }: Route,
  { models: allowed }: Caller,
  named: NamedModels,
): void {
  if (allowed === undefined) return
  if (!named.isComplete && kind !== 'free') {
    throw new GatewayRefusal(
      403,
      'forbidden',
      'the key may ask certain models alone, and the request does not say which it asks',
    )
  }
  const other = named.all.find((model) => !allowed.has(model))
  if (other === undefined) return
  throw new GatewayRefusal(
    403,
    'forbidden',
    `the key may not ask the model "${other.slice(0, 100)}"`,
  )
}

/** Nothing new is begun. */
export function shuttingDown(): GatewayRefusal {
  return new GatewayRefusal(503, 'shutting_down', 'the gateway is shutting down: try again', {
    retryAfterMs: 1000,
  })
}
