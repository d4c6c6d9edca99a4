/** What is asked of a request for a socket before an upstream is. */
import type { IncomingMessage } from 'node:http'
import { providerName, type RequestObservation } from '@token-meter/core/adapter'
import type { UsageRecord } from '@token-meter/core/outbox'
import type { Caller } from '../caller.ts'
import { checkModels, checkOrigin, keyOf, shuttingDown } from '../exchange/checks.ts'
import { observationOf } from '../exchange/observation.ts'
import type { RequestRecord } from '../exchange/request-record.ts'
import type { ExchangeSettings } from '../exchange/settings.ts'
import { type ObjectOwner, objectOwner } from '../payer/object-owner.ts'
import { payerOf } from '../payer/payer.ts'
import { GatewayRefusal } from '../refusal.ts'
import type { RequestHeaders } from '../request/raw-headers.ts'
import { requestTarget } from '../route/request-target.ts'
import { bareDialect, belowBasePath, type Route, routeOf } from '../route/route.ts'
import type { Dialect } from '../upstream.ts'
import { checkHandshake, offeredProtocols } from './handshake.ts'
import { SocketCalls } from './socket-calls.ts'
import { geminiSocket, openaiProbe, openaiSocket, type SocketDialect } from './socket-dialect.ts'
import { type SocketPath, socketPath } from './socket-path.ts'

export interface SocketRequest {
  readonly settings: ExchangeSettings
  readonly request: IncomingMessage
  readonly headers: RequestHeaders
  readonly record: RequestRecord
  readonly isShuttingDown: boolean
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal
  /** In what a refusal is to be said, as far as it is known. */
  readonly inDialect: (dialect: Dialect) => void
  /** Ends the socket, because of what it has used. */
  readonly close: (code: number, reason: string) => void
}

/** A socket that may be opened. */
export interface AllowedSocket {
  readonly route: Route
  /** As the upstream is asked. */
  readonly url: URL
  readonly caller: Caller
  readonly owner: ObjectOwner
  readonly protocols: readonly string[]
  /** The model that the URL names; others are named by messages. */
  readonly model: string | undefined
  /** `undefined` where nobody can read what it uses, and the key may open it all the same. */
  readonly followed: FollowedSocket | undefined
}

/** What the messages of a metered socket are looked at by. */
export interface FollowedSocket {
  readonly calls: SocketCalls
  readonly dialect: SocketDialect
}

/**
 * @throws GatewayRefusal, the refusal of a guard, MissingCustomerError where the meter refuses calls that nobody pays
 * for: nothing was asked of the upstream.
 */
export async function allowedSocket(asked: SocketRequest): Promise<AllowedSocket> {
  const { settings, request, headers, record, signal } = asked
  // The SDK of Google puts a slash before each path, also behind a base URL that ends with one.
  const target = requestTarget((request.url ?? '/').replace(/^\/\/(?=ws\/google\.)/, '/'))
  const below = { ...target, path: belowBasePath(target.path, settings.basePath) }
  asked.inDialect(bareDialect(below, headers))
  if (asked.isShuttingDown) throw shuttingDown()
  const route = routeOf('GET', below, headers, settings)
  asked.inDialect(route.dialect)
  record.upstream = route.upstream.name
  const caller = await settings.keys.authenticate(keyOf(headers, target.query, route))
  record.keyId = caller.keyId
  checkOrigin(caller, headers, settings.origins)
  checkHandshake(request)
  const protocols = offeredProtocols(headers.raw, route.upstream)
  const url = addressOf(route)
  const path = socketPath(route.dialect, url.pathname, url.searchParams)
  const { model } = path
  record.model = model ?? null
  checkPath(path, route, caller)
  const payer = payerOf({ caller, headers: headers.raw, body: undefined }, settings.payer)
  record.customer = payer.customer
  const owner = objectOwner(caller, payer, settings.payer.chargeBy)
  // It counts as a request; the responses in it count by themselves.
  const entered = await settings.keys.enter(caller)
  try {
    record.isUnmetered = path.kind === 'unknown'
    const allowed = { route, url, caller, owner, protocols, model }
    if (record.isUnmetered) return { ...allowed, followed: undefined }
    const paid = { caller, payer, requestId: record.id }
    const followed = follow(asked, allowed, observationOf(settings, paid))
    const probe = route.dialect === 'openai' && model !== undefined ? openaiProbe(url) : undefined
    if (probe !== undefined) await followed.calls.probe(probe, signal)
    return { ...allowed, followed }
  } finally {
    entered.leave(undefined)
  }
}

function follow(
  { settings, record, close }: SocketRequest,
  {
    route: { upstream, dialect },
    url,
    caller,
    model,
  }: Omit<AllowedSocket, 'followed' | 'owner' | 'protocols'>,
  observation: RequestObservation,
): FollowedSocket {
  const isAzure = url.searchParams.has('api-version')
  const named = dialect === 'gemini' ? 'google' : isAzure ? 'azure' : 'openai'
  const provider = upstream.provider ?? providerName(upstream.baseUrl, named)
  const calls = new SocketCalls(
    {
      observation,
      provider,
      enter: () => settings.keys.enter(caller),
      recorded: (records) => recorded(settings, record, records),
      close,
      fault: settings.fault,
    },
    { name: dialect === 'gemini' ? 'live' : 'realtime', ...readsNothing },
    model,
  )
  const socketDialect = dialect === 'gemini' ? geminiSocket : openaiSocket
  const fault = (what: string, cause?: unknown) => observation.fault(what, cause)
  return { calls, dialect: socketDialect({ url, provider, calls, fault }) }
}

const readsNothing = {
  read: () => [],
  estimateInput: () => undefined,
  estimateOutput: () => undefined,
}

function recorded(
  { usage }: ExchangeSettings,
  record: RequestRecord,
  records: readonly UsageRecord[],
): void {
  usage?.note(record.id, records)
  for (const { tokens } of records) {
    record.addTokens(tokens.input + tokens.cachedInput + tokens.cachedWrite + tokens.output)
  }
}

/** @throws GatewayRefusal 403 */
function checkPath({ kind, model, namesModel }: SocketPath, route: Route, caller: Caller): void {
  if (kind === 'forbidden') {
    throw forbidden(
      'a token of the provider would be used past the gateway: open the socket with a key of the gateway',
    )
  }
  const isKnown = kind === 'openai' || kind === 'gemini'
  if (!isKnown && !caller.allowUnknown) {
    throw forbidden(
      kind === 'attached'
        ? 'a call or session that was begun elsewhere need not be yours: the key may not attach to it'
        : `the gateway does not know this socket of "${route.upstream.name}", and could not meter it: the key may not open it`,
    )
  }
  if (namesModel) {
    const all = model === undefined ? [] : [model]
    checkModels({ ...route, kind: 'inference' }, caller, { all, isComplete: all.length > 0 })
  }
}

function forbidden(message: string): GatewayRefusal {
  return new GatewayRefusal(403, 'forbidden', message)
}

/** Where the upstream is asked. */
function addressOf({ upstream, dialect, path, query }: Route): URL {
  const { protocol, host } = new URL(upstream.baseUrl)
  // Google's sockets have their version in their name, and none before it.
  const below = dialect === 'gemini' ? path.replace(/\/v\d\w*(?=\/ws\/google\.)/, '') : path
  return new URL(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}${below}${query}`)
}
