/**
 * Sends one request to its upstream, and hands on what comes back. Its states:
 *
 * - connecting: no byte has left. A connection that cannot be made is tried once more, where the body is in memory.
 * - sent: what fails now may have arrived, and is not sent again.
 * - probing: an error has come that may refuse what the gateway has added to the body: its words are waited for. If
 *   they do refuse it, the request is sent once more, as its caller wrote it; else they go on as they came.
 * - answered: everything that comes goes to the relay.
 */
import type { RequestRewrite } from '@token-meter/core/wire'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { latinHeaders } from '../answer/answer-headers.ts'
import type { AnswerRelay } from '../answer/answer-relay.ts'
import type { AnswerHead } from '../answer/relay-options.ts'
import { decodedBody, encodingsOf } from '../request/decoded-body.ts'
import { RequestHeaders } from '../request/raw-headers.ts'
import { GatewayRefusal } from '../refusal.ts'
import type { Upstream } from '../upstream.ts'
import type { UpstreamPools } from './upstream-pools.ts'

export interface SentRequest {
  readonly upstream: Upstream
  readonly method: string
  /** With the query. */
  readonly path: string
  /** @param asksIdentity the answer will be changed. */
  headers(asksIdentity: boolean): readonly string[]
  /** As the caller wrote it; in memory, or a stream, which can be sent once. */
  readonly body: Buffer | Readable | null
  /** In place of the body, so that the answer says what it used. */
  readonly rewritten: { readonly body: Uint8Array; readonly rewrite: RequestRewrite } | undefined
}

export interface UpstreamCallOptions {
  readonly pools: UpstreamPools
  readonly relay: AnswerRelay
  readonly firstByteMs: number
  /** The first byte of the request is about to leave. */
  sending(): void
  /** An interim answer has come, such as early hints. */
  interim(status: number, headers: readonly string[]): void
  /** The head of the answer has come, and goes to the relay. */
  answered(status: number): void
  /** @param wasSent the request may have reached the upstream. */
  failed(refusal: GatewayRefusal, wasSent: boolean): void
}

type Controller = Dispatcher.DispatchController

const withoutBody: ReadonlySet<number> = new Set([204, 304])
const mayRefuse: ReadonlySet<number> = new Set([400, 422])
/** The words of an error come with it, or it is none of ours. */
const probe = { ms: 1000, bytes: 2 ** 16 }

export class UpstreamCall {
  readonly #request: SentRequest
  readonly #options: UpstreamCallOptions
  #controller: Controller | undefined
  #timer: NodeJS.Timeout | undefined
  #isSent = false
  #isOver = false
  #hasRetried = false
  #isAgain = false

  constructor(request: SentRequest, options: UpstreamCallOptions) {
    this.#request = request
    this.#options = options
  }

  start(): void {
    this.#timer = setTimeout(() => this.#onDeadline(), this.#options.firstByteMs)
    const { rewritten, body } = this.#request
    if (rewritten === undefined) this.#send(body, false)
    else
      this.#send(
        Buffer.from(
          rewritten.body.buffer as ArrayBuffer,
          rewritten.body.byteOffset,
          rewritten.body.byteLength,
        ),
        true,
      )
  }

  /** Nobody waits for an answer any more, and none has come. */
  cancel(): void {
    if (this.#isOver) return
    this.#end()
    this.#controller?.abort(new Error('the call was given up'))
  }

  /** A piece of a body that is streamed has left. */
  progress(): void {
    this.#timer?.refresh()
  }

  #send(body: Buffer | Readable | null, isRewritten: boolean): void {
    const { upstream, method, path, headers } = this.#request
    const request = {
      method: method as Dispatcher.HttpMethod,
      path,
      body,
      headers: headers(isRewritten),
    }
    const handler = new Attempt(this, isRewritten)
    try {
      this.#options.pools.dispatch(upstream, request, handler)
    } catch (cause) {
      handler.onResponseError(undefined, cause as Error)
    }
  }

  started(controller: Controller): void {
    this.#controller = controller
    if (this.#isOver) return controller.abort(new Error('the call was given up'))
    if (!this.#isSent) this.#options.sending()
    this.#isSent = true
  }

  interim(status: number, raw: readonly string[]): void {
    if (!this.#isOver) this.#options.interim(status, raw)
  }

  /** @returns true where the words of the error are waited for. */
  mayBeRefusal(status: number, isRewritten: boolean): boolean {
    return isRewritten && mayRefuse.has(status)
  }

  /** @returns true where the request is sent again. */
  async isRefusal({ status, headers }: AnswerHead, body: Buffer): Promise<boolean> {
    const { rewritten } = this.#request
    if (rewritten === undefined || this.#isOver) return false
    try {
      const encodings = encodingsOf(headers.get('content-encoding'))
      const said = await decodedBody(body, encodings, { maxBytes: 16 * probe.bytes })
      return rewritten.rewrite.isRefusal(status, said.toString())
    } catch {
      return false
    }
  }

  sendAgain(): void {
    this.#isAgain = true
    this.#send(this.#request.body, false)
  }

  answered(controller: Controller, head: AnswerHead): void {
    if (this.#isOver) return controller.abort(new Error('the call was given up'))
    this.#end()
    // Perhaps it was the caller's own options that were refused: then it has failed again, as it must.
    const isTaken = head.status >= 200 && head.status < 300
    if (this.#isAgain && isTaken) this.#request.rewritten?.rewrite.refused()
    this.#options.answered(head.status)
    this.#options.relay.head(controller, head)
  }

  get method(): string {
    return this.#request.method
  }

  get relay(): AnswerRelay {
    return this.#options.relay
  }

  failed(error: Error, wasStarted: boolean): void {
    if (this.#isOver) return
    const { body } = this.#request
    const isTimeout = codeOf(error) === 'UND_ERR_CONNECT_TIMEOUT'
    if (
      !wasStarted &&
      !isTimeout &&
      !this.#hasRetried &&
      (body === null || Buffer.isBuffer(body))
    ) {
      this.#hasRetried = true
      const isRewritten = this.#request.rewritten !== undefined && !this.#isAgain
      if (isRewritten) return this.#restart()
      return this.#send(body, false)
    }
    this.#end()
    this.#options.failed(failure(error, wasStarted, isTimeout), this.#isSent)
  }

  #restart(): void {
    clearTimeout(this.#timer)
    this.start()
  }

  #onDeadline(): void {
    if (this.#isOver) return
    this.#end()
    this.#controller?.abort(new Error('the first byte of the answer did not come in time'))
    const refusal = new GatewayRefusal(
      504,
      'upstream_timeout',
      'the upstream did not begin to answer in time',
    )
    this.#options.failed(refusal, this.#isSent)
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }
}

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code
}

function failure(cause: Error, wasStarted: boolean, isTimeout: boolean): GatewayRefusal {
  if (isTimeout) {
    const message = 'no connection to the upstream could be made in time'
    return new GatewayRefusal(504, 'upstream_timeout', message, { cause })
  }
  const message = wasStarted
    ? 'the upstream broke the connection off before it answered'
    : 'no connection to the upstream could be made'
  return new GatewayRefusal(502, 'upstream_failed', message, { cause })
}

/** One time that the request is sent. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #call: UpstreamCall
  readonly #isRewritten: boolean
  #isStarted = false
  #isHanded = false
  /** The head of an error whose words are waited for, and what came of them. */
  #probed: { readonly head: AnswerHead; readonly pieces: Buffer[]; bytes: number } | undefined
  #probeTimer: NodeJS.Timeout | undefined
  #isDeciding = false
  #controller: Controller | undefined
  /** How the answer ended while its words were waited for. */
  #ending: { readonly trailers: readonly string[] } | 'broken' | undefined

  constructor(call: UpstreamCall, isRewritten: boolean) {
    this.#call = call
    this.#isRewritten = isRewritten
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    this.#isStarted = true
    this.#call.started(controller)
  }

  onResponseStart(controller: Controller, status: number, _: unknown, message = ''): void {
    const raw = latinHeaders((controller.rawHeaders ?? []) as Buffer[])
    if (status < 200) return this.#call.interim(status, raw)
    const headers = new RequestHeaders(raw)
    const isBodyless = withoutBody.has(status) || this.#call.method === 'HEAD'
    const head = { status, message, headers, isBodyless }
    if (!this.#call.mayBeRefusal(status, this.#isRewritten)) return this.#hand(controller, head)
    this.#probed = { head, pieces: [], bytes: 0 }
    this.#probeTimer = setTimeout(() => this.#decide(), probe.ms)
  }

  #hand(controller: Controller, head: AnswerHead): void {
    this.#isHanded = true
    this.#call.answered(controller, head)
  }

  onResponseData(controller: Controller, piece: Buffer): void {
    const probed = this.#probed
    if (probed === undefined) return this.#call.relay.data(piece)
    probed.pieces.push(piece)
    probed.bytes += piece.length
    if (this.#isDeciding || probed.bytes > probe.bytes) controller.pause()
    if (probed.bytes > probe.bytes) this.#decide()
  }

  onResponseEnd(controller: Controller): void {
    const trailers = latinHeaders((controller.rawTrailers ?? []) as Buffer[])
    if (this.#probed === undefined) return this.#call.relay.end(trailers)
    this.#ending = { trailers }
    this.#decide()
  }

  onResponseError(_: Controller | undefined, error: Error): void {
    if (this.#probed !== undefined && !this.#isHanded) {
      this.#ending = 'broken'
      return this.#decide()
    }
    if (this.#isHanded) return this.#call.relay.failed()
    this.#call.failed(error, this.#isStarted)
  }

  /** What came goes on, or the request is sent again and it is forgotten. */
  #decide(): void {
    const probed = this.#probed
    const controller = this.#controller
    if (probed === undefined || controller === undefined || this.#isDeciding) return
    this.#isDeciding = true
    clearTimeout(this.#probeTimer)
    void this.#call.isRefusal(probed.head, Buffer.concat(probed.pieces)).then((isRefusal) => {
      if (isRefusal) {
        if (this.#ending === undefined) controller.abort(new Error('sent again'))
        return this.#call.sendAgain()
      }
      this.#probed = undefined
      this.#hand(controller, probed.head)
      for (const piece of probed.pieces) this.#call.relay.data(piece)
      if (this.#ending === undefined) return controller.resume()
      if (this.#ending === 'broken') return this.#call.relay.failed()
      this.#call.relay.end(this.#ending.trailers)
    })
  }
}
