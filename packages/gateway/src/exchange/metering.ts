/** What the meter makes of a request. */
import {
  ConfigError,
  type ObservedCall,
  type Observing,
  type OpenedRequest,
  untilAdmitted,
} from '@token-meter/core/adapter'
import type { Caller } from '../caller.ts'
import type { Payer } from '../payer/payer.ts'
import { GatewayRefusal } from '../refusal.ts'
import type { BodyFields } from '../request/body-fields.ts'
import type { RequestHeaders } from '../request/raw-headers.ts'
import { ClientLeft } from '../request/read-body.ts'
import type { RequestBody } from '../request/request-body.ts'
import type { Route } from '../route/route.ts'
import type { Dialect, Upstream } from '../upstream.ts'
import { observationOf } from './observation.ts'
import type { RequestRecord } from './request-record.ts'
import type { ExchangeSettings } from './settings.ts'
import type { SentRequest } from './upstream-call.ts'
import { originOf } from './upstream-pools.ts'

/** The names of their protocols. */
export const protocolOf: Readonly<Record<Dialect, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  gemini: 'google',
}

export interface MeteredRequest {
  readonly route: Route
  readonly caller: Caller
  readonly payer: Payer
  readonly body: RequestBody
  readonly headers: RequestHeaders
  readonly record: RequestRecord
}

/** A call under way, and what is asked for its usage. */
export interface MeteredCall {
  readonly observed: ObservedCall
  readonly rewrite: OpenedRequest['operation']['rewrite']
}

/**
 * Begins the call that a request is; `undefined` for what bills nothing, and for what nobody can meter and the key
 * may ask all the same.
 *
 * @throws GatewayRefusal 403 for what nobody can meter; MissingCustomerError where the meter refuses calls that
 * nobody pays for; ConfigError where the key has pools and the meter no guard.
 */
export function beginCall(
  settings: ExchangeSettings,
  request: MeteredRequest,
): MeteredCall | undefined {
  const { route, caller, record } = request
  const opened = openRequest(settings, request)
  if (opened === undefined || opened === 'unmetered') {
    record.isUnmetered = opened === 'unmetered' || route.kind !== 'free'
    if (route.kind === 'free' || caller.allowUnknown) return undefined
    throw new GatewayRefusal(
      403,
      'forbidden',
      'what this call costs no answer says, so that the gateway cannot meter it: the key may not make such calls',
    )
  }
  const observed = opened.begin()
  observed.onRecorded = (records) => {
    settings.usage?.note(record.id, records)
    for (const { tokens } of records) {
      record.addTokens(tokens.input + tokens.cachedInput + tokens.cachedWrite + tokens.output)
    }
  }
  return { observed, rewrite: opened.operation.rewrite }
}

/** A call of each API, of which somebody knows what it costs. */
const examples: Readonly<Record<Dialect, readonly [path: string, body: BodyFields]>> = {
  openai: ['/v1/chat/completions', { model: 'm', messages: [] }],
  anthropic: ['/v1/messages', { model: 'm', max_tokens: 1, messages: [] }],
  gemini: ['/v1beta/models/m:generateContent', { contents: [] }],
}

/** @throws ConfigError for an upstream whose answers no provider of the meter can read. */
export function checkReaders(observe: Observing, upstreams: Iterable<Upstream>): void {
  const observation = observe(() => undefined)
  for (const { name, dialect, baseUrl } of upstreams) {
    const [url, body] = examples[dialect]
    const protocol = protocolOf[dialect]
    const request = { method: 'POST', url, headers: undefined, body }
    if (observation.open(request, { url: baseUrl, protocol }) !== undefined) continue
    throw new ConfigError(
      `createGateway: upstreams.${name} speaks the API of ${protocol}, which no provider of the meter reads: add ` +
        `${protocol}Provider of @token-meter/${protocol} to createMeter({ providers: [...] })`,
    )
  }
}

function openRequest(
  settings: ExchangeSettings,
  { route, caller, payer, body, headers, record }: MeteredRequest,
): OpenedRequest | 'unmetered' | undefined {
  const { upstream, dialect, path, query } = route
  const { baseUrl, provider } = upstream
  const paid = { caller, payer, requestId: record.id }
  const observation = observationOf(settings, paid, { recordId: record.id, keepsOpen: true })
  const url = `${originOf(upstream)}${path}${query}`
  const wire = { method: record.method, headers, url, body: body.fields }
  return observation.open(wire, {
    url: baseUrl,
    protocol: protocolOf[dialect],
    ...(provider !== undefined && { provider }),
  })
}

/**
 * Waits until the call may be sent.
 *
 * @returns the body that is sent in place of the caller's, where the answer would not say what it used.
 * @throws GatewayRefusal 400 where it cannot be asked what it used; what the guard refuses it with; ClientLeft where nobody waits any more.
 */
export async function admitted(
  call: MeteredCall | undefined,
  { bytes, canSplice }: RequestBody,
  signal: AbortSignal,
): Promise<SentRequest['rewritten']> {
  if (call === undefined) return undefined
  const { observed, rewrite } = call
  if (observed.admission !== undefined) await untilAdmitted(observed, signal)
  if (signal.aborted) throw new ClientLeft()
  if (rewrite === undefined) return undefined
  const body = canSplice && Buffer.isBuffer(bytes) ? rewrite.apply(bytes) : undefined
  if (body === undefined) throw unasked()
  return { body, rewrite }
}

/** A stream is asked for: whoever ends it early pays for a part of it. */
export function isStream({ path }: Route, fields: BodyFields | undefined): boolean {
  return fields?.['stream'] === true || path.endsWith(':streamGenerateContent')
}

/** The body is signed, encoded or a form: what it does not ask for itself cannot be added to it. */
function unasked(): GatewayRefusal {
  return new GatewayRefusal(
    400,
    'invalid_request',
    'this stream does not ask for its usage, and its body cannot be changed so that it does: add ' +
      '"stream_options": { "include_usage": true }, or send it without Content-Encoding, digest and signature',
  )
}
