/** Which bodies are read, and which pass as they come. */
import type { IncomingMessage } from 'node:http'
import type { Caller } from '../caller.ts'
import type { ObjectRequest } from '../objects/owned-objects.ts'
import type { RequestHeaders } from '../request/raw-headers.ts'
import { type RequestBody, streamedBody, wholeBody } from '../request/request-body.ts'
import { takesForm } from '../route/known-paths.ts'
import type { Route } from '../route/route.ts'
import type { ExchangeSettings } from './settings.ts'

export interface ReadRequest {
  readonly request: IncomingMessage
  readonly headers: RequestHeaders
  readonly route: Route
  readonly object: ObjectRequest
  readonly caller: Caller
  /** So many bytes of the body have come. */
  came(bytes: number): void
}

/**
 * What costs something is read, and what can name what others made; files of any size are not.
 * @throws GatewayRefusal and ClientLeft as `wholeBody` says.
 */
export async function bodyOf(
  { maxBodyBytes, inFlight, deadlines, objects }: ExchangeSettings,
  { request, headers, route, object, caller, came }: ReadRequest,
): Promise<RequestBody> {
  const { kind, isUpload } = route
  const isKnown = kind === 'inference' || kind === 'free'
  // What a key may not ask of a model has to be seen, whatever the path is.
  const isLimited = kind === 'unknown' && caller.models !== undefined
  const needsBody = objects?.needsBody(object) === true
  const isRead = isKnown || isLimited || needsBody
  if (isUpload || !isRead) return streamedBody(request, came)
  const limits = { maxBodyBytes, inFlight, idleMs: deadlines.requestIdleMs }
  const body = await wholeBody(request, headers, limits, {
    mustBeRead: kind === 'inference' || isLimited || needsBody,
    takesForm: kind === 'unknown' || takesForm(object.path),
  })
  if (Buffer.isBuffer(body.bytes)) came(body.bytes.length)
  return body
}

/** What is looked at for what customers made. */
export function objectRequest(route: Route, method: string): ObjectRequest {
  const { upstream, dialect, path, query } = route
  return {
    upstream: upstream.name,
    dialect,
    method,
    path,
    query: new URLSearchParams(query),
    body: undefined,
  }
}
