/**
 * One request, from its head to its end:
 *
 *     route -> key -> body -> who pays -> what may be asked -> rates -> guard -> upstream -> relay
 *
 * Whatever stops it on the way is a refusal, which is answered in the dialect that was asked. Nothing is thrown at
 * Node.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { handleRejection, type ObservedCall } from '@token-meter/core/adapter'
import { mintRecordId } from '@token-meter/core/outbox'
import type { RequestOutcome } from '../access-entry.ts'
import { AnswerRelay } from '../answer/answer-relay.ts'
import { linger } from '../answer/caller-socket.ts'
import { corsHeaders } from '../answer/cors.ts'
import { refusalOf } from '../answer/error-answer.ts'
import { passInterim } from '../answer/interim.ts'
import type { RelayEnd } from '../answer/relay-options.ts'
import type { Caller, EnteredRequest } from '../caller.ts'
import type { ObjectRequest } from '../objects/owned-objects.ts'
import { type ObjectOwner, objectOwner } from '../payer/object-owner.ts'
import { payerOf } from '../payer/payer.ts'
import type { GatewayRefusal } from '../refusal.ts'
import { namedModels } from '../request/body-fields.ts'
import { RequestHeaders } from '../request/raw-headers.ts'
import { ClientLeft } from '../request/read-body.ts'
import type { RequestBody } from '../request/request-body.ts'
import { upstreamHeaders } from '../request/upstream-headers.ts'
import { requestTarget, type RequestTarget } from '../route/request-target.ts'
import { bareDialect, belowBasePath, isOwnPath, type Route, routeOf } from '../route/route.ts'
import type { Dialect } from '../upstream.ts'
import { answerOwnPath, answerPreflight, answerRefusal } from './own-answer.ts'
import { checkFraming, checkKind, checkModels, checkOrigin, keyOf, shuttingDown } from './checks.ts'
import { abortsStreams } from './client-gone.ts'
import { admitted, beginCall, isStream } from './metering.ts'
import { bodyOf, objectRequest } from './reading.ts'
import { RequestRecord } from './request-record.ts'
import type { ExchangeSettings, RunningExchange } from './settings.ts'
import { type SentRequest, UpstreamCall } from './upstream-call.ts'

export class Exchange implements RunningExchange {
  readonly over: Promise<void>
  readonly #settings: ExchangeSettings
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #headers: RequestHeaders
  readonly #record: RequestRecord
  /** Aborted when the caller is gone. */
  readonly #gone = new AbortController()
  #dialect: Dialect = 'openai'
  #entered: EnteredRequest | undefined
  #body: RequestBody | undefined
  call: ObservedCall | undefined
  #relay: AnswerRelay | undefined
  #upstreamCall: UpstreamCall | undefined
  #isOver = false
  readonly #end: () => void

  constructor(settings: ExchangeSettings, request: IncomingMessage, response: ServerResponse) {
    this.#settings = settings
    this.#request = request
    this.#response = response
    this.#headers = new RequestHeaders(request.rawHeaders)
    const [path = ''] = (request.url ?? '').split('?', 1)
    this.#record = new RequestRecord(mintRecordId(Date.now()), request.method ?? 'GET', path)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#end = resolve
    response.once('close', () => this.#onClose())
  }

  /** Never rejects. */
  async run(isShuttingDown: boolean): Promise<void> {
    try {
      await this.#run(isShuttingDown)
    } catch (error) {
      if (error instanceof ClientLeft || this.#gone.signal.aborted) return this.#left()
      this.#refuse(refusalOf(error))
    }
  }

  async #run(isShuttingDown: boolean): Promise<void> {
    const settings = this.#settings
    const target = requestTarget(this.#request.url ?? '/')
    checkFraming(this.#headers, this.#request.socket)
    const below = { ...target, path: belowBasePath(target.path, settings.basePath) }
    this.#dialect = bareDialect(below, this.#headers)
    if (this.#record.method === 'OPTIONS') return this.#preflight()
    if (isOwnPath(below.path)) return this.#own(below)
    if (isShuttingDown) throw shuttingDown()
    const route = routeOf(this.#record.method, below, this.#headers, settings)
    this.#dialect = route.dialect
    this.#record.upstream = route.upstream.name
    const caller = await settings.keys.authenticate(keyOf(this.#headers, target.query, route))
    this.#record.keyId = caller.keyId
    checkOrigin(caller, this.#headers, settings.origins)
    checkKind(route, caller, this.#headers)
    await this.#pass(route, caller)
  }

  async #pass(route: Route, caller: Caller): Promise<void> {
    const settings = this.#settings
    this.#continue()
    const object = objectRequest(route, this.#record.method)
    const body = await bodyOf(settings, {
      request: this.#request,
      headers: this.#headers,
      route,
      object,
      caller,
      came: (bytes) => {
        this.#record.bytesIn += bytes
        this.#upstreamCall?.progress()
      },
    })
    this.#body = body
    const payer = payerOf({ caller, headers: this.#headers.raw, body: body.fields }, settings.payer)
    this.#record.customer = payer.customer
    const models = namedModels(body.fields ?? {}, route.model)
    this.#record.model = models.all[0] ?? null
    checkModels(route, caller, models)
    const owner = objectOwner(caller, payer, settings.payer.chargeBy)
    const asked = { ...object, body: body.fields }
    await settings.objects?.check(asked, owner)
    this.#entered = await settings.keys.enter(caller)
    if (this.#gone.signal.aborted) throw new ClientLeft()
    const metered = { route, caller, payer, body, headers: this.#headers, record: this.#record }
    const call = beginCall(settings, metered)
    this.call = call?.observed
    const rewritten = await admitted(call, body, this.#gone.signal)
    this.#send(route, body, rewritten, { object: asked, owner })
  }

  /** Now that the caller may ask: it waits for that with its body. */
  #continue(): void {
    const { _sent100: isSent } = this.#response as { _sent100?: boolean }
    const isWanted = this.#headers.get('expect')?.toLowerCase() === '100-continue'
    if (isWanted && isSent !== true) this.#response.writeContinue()
  }

  #send(
    route: Route,
    body: RequestBody,
    rewritten: SentRequest['rewritten'],
    { object, owner }: { readonly object: ObjectRequest; readonly owner: ObjectOwner },
  ): void {
    const { pools, origins, onClientGone, deadlines, objects } = this.#settings
    const { upstream } = route
    const relay = new AnswerRelay({
      response: this.#response,
      requestId: this.#record.id,
      dialect: route.dialect,
      cors: corsHeaders(this.#headers, origins),
      call: this.call,
      watch: objects?.watch(object, owner),
      isStream: isStream(route, body.fields),
      abortsStreams: abortsStreams(upstream, onClientGone),
      idleMs: deadlines.idleMs,
      ended: (end, refusal) => this.#onRelayEnd(end, refusal),
    })
    this.#relay = relay
    const length = Buffer.isBuffer(body.bytes) ? null : this.#headers.get('content-length')
    const sent: SentRequest = {
      upstream,
      method: this.#record.method,
      path: `${route.path}${route.query}`,
      headers: (asksIdentity) =>
        upstreamHeaders(this.#headers, upstream, {
          asksIdentity,
          contentLength: body.bytes === null ? undefined : (length ?? undefined),
        }),
      body: body.bytes,
      rewritten,
    }
    this.#upstreamCall = new UpstreamCall(sent, {
      pools,
      relay,
      firstByteMs: deadlines.firstByteMs,
      sending: () => this.#record.sending(),
      interim: (status, headers) => passInterim(this.#response, status, headers),
      answered: (status) => this.#record.answeredWith(status),
      failed: (refusal, wasSent) => this.#onUpstreamFailed(refusal, wasSent),
    })
    this.#upstreamCall.start()
  }

  #onUpstreamFailed(refusal: GatewayRefusal, wasSent: boolean): void {
    if (wasSent) this.call?.failed(refusal.cause ?? new Error(refusal.message))
    else this.call?.dismiss()
    this.#relay?.cancel()
    if (this.#gone.signal.aborted) return this.#finish('client_gone')
    this.#refuse(refusal)
  }

  #onRelayEnd(end: RelayEnd, refusal: GatewayRefusal | undefined): void {
    // An upstream may answer before it has all of a body.
    linger(this.#request)
    this.#record.bytesOut = this.#relay?.bytesOut ?? 0
    this.#upstreamCall?.cancel()
    if (refusal !== undefined) this.#record.refusal = refusal.code
    this.#finish(end)
  }

  #onClose(): void {
    if (this.#isOver || this.#response.writableEnded) return
    this.#gone.abort(new ClientLeft())
    this.#relay?.clientGone()
  }

  /** Nobody waits any more, and nothing was sent. */
  #left(): void {
    this.call?.dismiss()
    if (!this.#response.headersSent) this.#response.destroy()
    this.#finish('client_gone')
  }

  #preflight(): void {
    answerPreflight(this.#response, this.#headers, this.#settings.origins)
    this.#record.status = this.#response.statusCode
    this.#finish('own')
  }

  async #own({ path, query }: RequestTarget): Promise<void> {
    this.#continue()
    const status = await answerOwnPath(this.#settings, {
      request: this.#request,
      response: this.#response,
      headers: this.#headers,
      path,
      query,
      requestId: this.#record.id,
    })
    this.#record.status = status
    this.#finish('own')
  }

  #refuse(refusal: GatewayRefusal): void {
    if (this.#isOver) return
    if (!this.call?.settled) this.call?.dismiss()
    if (refusal.status === 500) this.#settings.fault('a request could not be served', refusal.cause)
    this.#record.status = refusal.status
    this.#record.refusal = refusal.code
    const cors = corsHeaders(this.#headers, this.#settings.origins)
    const answer = { refusal, dialect: this.#dialect, requestId: this.#record.id, cors }
    this.#record.bytesOut = answerRefusal(this.#request, this.#response, answer)
    this.#finish('refused')
  }

  #finish(outcome: RequestOutcome): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#body?.release()
    const end = (): void => {
      try {
        this.#entered?.leave(this.#record.tokens)
      } catch (cause) {
        this.#settings.fault('a request that is over could not be counted out', cause)
      }
      this.#settings.log(this.#record.entry(outcome))
      this.#end()
    }
    const stored = this.call?.stored
    if (stored === undefined) end()
    else handleRejection(stored.then(end), end)
  }

  shutDown(isFinal: boolean): void {
    if (this.#relay !== undefined) this.#relay.shutDown(isFinal)
    else if (isFinal && !this.#isOver) this.#refuse(shuttingDown())
  }
}
