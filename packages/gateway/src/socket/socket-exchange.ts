/**
 * One socket, from its request to its end:
 *
 *     route -> key -> who pays -> what may be asked -> rates -> guard -> upstream -> accepted -> relay
 *
 * Until it is accepted it is a request as any other: whatever stops it is answered in HTTP, in the dialect that was
 * asked. Then each message that asks for something is checked, and costs, as a request would.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ObservedCall } from '@token-meter/core/adapter'
import { mintRecordId } from '@token-meter/core/outbox'
import { type WebSocket, WebSocketServer } from 'ws'
import type { RequestOutcome } from '../access-entry.ts'
import { answerHeaders, requestIdHeader } from '../answer/answer-headers.ts'
import { errorAnswer, refusalOf } from '../answer/error-answer.ts'
import { shuttingDown } from '../exchange/checks.ts'
import { RequestRecord } from '../exchange/request-record.ts'
import type { ExchangeSettings, RunningExchange } from '../exchange/settings.ts'
import type { GatewayRefusal } from '../refusal.ts'
import { headerPairs, RequestHeaders } from '../request/raw-headers.ts'
import { upstreamHeaders } from '../request/upstream-headers.ts'
import type { Dialect } from '../upstream.ts'
import { type AllowedSocket, allowedSocket } from './allowed-socket.ts'
import { dialUpstream } from './dial-upstream.ts'
import { isOfHandshake } from './handshake.ts'
import { relayAnswer, writeAnswer } from './raw-answer.ts'
import { type RelayEnder, SocketRelay } from './socket-relay.ts'
import { SocketSession } from './socket-session.ts'

/** How long an upstream may take to answer the request for a socket, in ms. */
const answerMs = 30_000
/** How long both ends may take to close, once the gateway ends. */
const closeMs = 3000
/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const goingAway = 1001

export class SocketExchange implements RunningExchange {
  readonly over: Promise<void>
  readonly #settings: ExchangeSettings
  readonly #request: IncomingMessage
  readonly #socket: Duplex
  readonly #head: Buffer
  readonly #headers: RequestHeaders
  readonly #record: RequestRecord
  readonly #gone = new AbortController()
  #dialect: Dialect = 'openai'
  #allowed: AllowedSocket | undefined
  #session: SocketSession | undefined
  #relay: SocketRelay | undefined
  #isShutDown = false
  #isOver = false
  readonly #end: () => void

  /** @param head what came behind the request already. */
  constructor(settings: ExchangeSettings, request: IncomingMessage, socket: Duplex, head: Buffer) {
    this.#settings = settings
    this.#request = request
    this.#socket = socket
    this.#head = head
    this.#headers = new RequestHeaders(request.rawHeaders)
    const [path = ''] = (request.url ?? '').split('?', 1)
    this.#record = new RequestRecord(mintRecordId(Date.now()), request.method ?? 'GET', path)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#end = resolve
    socket.on('error', () => {})
    socket.once('close', () => this.#gone.abort())
  }

  get call(): Pick<ObservedCall, 'guardHoldIds'> | undefined {
    return this.#allowed?.followed?.calls
  }

  /** Never rejects. */
  async run(isShuttingDown: boolean): Promise<void> {
    try {
      this.#allowed = await allowedSocket({
        settings: this.#settings,
        request: this.#request,
        headers: this.#headers,
        record: this.#record,
        isShuttingDown,
        signal: this.#gone.signal,
        inDialect: (dialect) => (this.#dialect = dialect),
        close: (code, reason) => this.#relay?.close(code, reason),
      })
      if (this.#gone.signal.aborted || this.#isOver) return this.#left()
      await this.#dial(this.#allowed)
    } catch (error) {
      if (this.#gone.signal.aborted) return this.#left()
      this.#refuse(refusalOf(error))
    }
  }

  async #dial(allowed: AllowedSocket): Promise<void> {
    const { deadlines, maxBodyBytes } = this.#settings
    const { url, protocols, route } = allowed
    const passed = upstreamHeaders(this.#headers, route.upstream, { asksIdentity: false })
    this.#record.sending()
    await dialUpstream({
      url,
      headers: withoutHandshake(passed),
      protocols,
      connectMs: deadlines.connectMs,
      answerMs: Math.min(answerMs, deadlines.firstByteMs),
      maxPayload: maxBodyBytes,
      signal: this.#gone.signal,
      opened: (upstream, answer) => this.#accept(allowed, upstream, answer),
      refused: (answer) => this.#passRefusal(answer),
      failed: (refusal) => (this.#gone.signal.aborted ? this.#left() : this.#refuse(refusal)),
    })
  }

  /** What the upstream answered in place of a socket, as it is. */
  #passRefusal(answer: IncomingMessage): void {
    this.#record.answered()
    const { statusCode: status = 502, statusMessage: statusText } = answer
    this.#record.status = status
    const headers = this.#answerHeaders(answer)
    relayAnswer(this.#socket, { status, statusText, headers }, answer, (bytes, isWhole) => {
      this.#record.bytesOut = bytes
      const broken = this.#gone.signal.aborted ? 'client_gone' : 'upstream_failed'
      this.#finish(isWhole ? 'answered' : broken)
    })
  }

  #answerHeaders({ rawHeaders }: IncomingMessage): string[] {
    const requestId = this.#record.id
    return answerHeaders(new RequestHeaders(rawHeaders), { requestId, isChanged: false, cors: [] })
  }

  #accept(allowed: AllowedSocket, upstream: WebSocket, answer: IncomingMessage): void {
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      maxPayload: this.#settings.maxBodyBytes,
      handleProtocols: () => (upstream.protocol === '' ? false : upstream.protocol),
    })
    server.on('headers', (lines) => {
      const passed = withoutHandshake(this.#answerHeaders(answer))
      for (const [name, value] of headerPairs(passed)) lines.push(`${name}: ${value}`)
    })
    let caller: WebSocket | undefined
    try {
      // Calls back at once, or has destroyed the connection.
      server.handleUpgrade(this.#request, this.#socket, this.#head, (accepted) => {
        caller = accepted
      })
    } catch (cause) {
      this.#settings.fault('a socket could not be accepted', cause)
      this.#socket.destroy()
    }
    if (caller !== undefined) return this.#open(allowed, caller, upstream)
    upstream.terminate()
    this.#left()
  }

  #open(allowed: AllowedSocket, caller: WebSocket, upstream: WebSocket): void {
    this.#record.answered()
    this.#record.status = 101
    ;(this.#socket as Partial<Socket>).setKeepAlive?.(true, 60_000)
    const session = new SocketSession(allowed, {
      settings: this.#settings,
      record: this.#record,
      tell: (text) => this.#relay?.tellCaller(text),
      close: (code, reason) => this.#relay?.close(code, reason),
    })
    this.#session = session
    this.#relay = new SocketRelay({
      caller,
      upstream,
      fromCaller: (data) => session.fromCaller(data),
      fromUpstream: (data) => {
        const passes = session.fromUpstream(data)
        if (this.#isShutDown) this.#closeWhenIdle(passes)
        return passes
      },
      idleMs: this.#settings.deadlines.idleMs,
      ended: (by) => this.#onRelayEnd(by),
    })
    if (this.#isShutDown) this.shutDown(false)
  }

  #onRelayEnd(by: RelayEnder): void {
    this.#record.bytesIn = this.#relay?.bytesToUpstream ?? 0
    this.#record.bytesOut = this.#relay?.bytesToCaller ?? 0
    const end = () => this.#finish(by === 'gateway' && this.#isShutDown ? 'shut_down' : 'answered')
    const stored = this.#session?.over()
    if (stored === undefined) end()
    else stored.then(end, end)
  }

  /** The caller was gone before there was a socket. */
  #left(): void {
    this.#allowed?.followed?.calls.over()
    this.#finish('client_gone')
  }

  #refuse(refusal: GatewayRefusal): void {
    if (this.#isOver) return
    this.#allowed?.followed?.calls.over()
    if (refusal.status === 500) this.#settings.fault('a socket could not be opened', refusal.cause)
    this.#record.status = refusal.status
    this.#record.refusal = refusal.code
    const { status, headers, body } = errorAnswer(refusal, this.#dialect, this.#record.id)
    // https://www.rfc-editor.org/rfc/rfc6455#section-4.4
    const offered = status === 426 ? ['sec-websocket-version', '13', 'upgrade', 'websocket'] : []
    const all = [...headers, ...offered, requestIdHeader, this.#record.id]
    writeAnswer(this.#socket, { status, headers: all }, body)
    this.#record.bytesOut = body.length
    this.#finish('refused')
  }

  #finish(outcome: RequestOutcome): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#settings.log(this.#record.entry(outcome))
    this.#end()
  }

  /** A response under way is waited for; a socket without one is not. */
  shutDown(isFinal: boolean): void {
    this.#isShutDown = true
    if (this.#relay === undefined) {
      if (isFinal && !this.#isOver) this.#refuse(shuttingDown())
    } else if (isFinal) {
      this.#goAway()
      setTimeout(() => this.#relay?.terminate(), closeMs).unref()
    } else this.#closeWhenIdle(true)
  }

  #closeWhenIdle(passes: boolean | Promise<boolean>): void {
    if (this.#session?.isBusy === true) return
    // Behind the message that has ended the last response.
    void Promise.resolve(passes).then(() => setImmediate(() => this.#goAway()))
  }

  #goAway(): void {
    this.#relay?.close(goingAway, 'the gateway is shutting down')
  }
}

/** Names and values by turns, without those that each connection has for itself. */
function withoutHandshake(raw: readonly string[]): readonly string[] {
  return [...headerPairs(raw)].filter(([name]) => !isOfHandshake(name.toLowerCase())).flat()
}
