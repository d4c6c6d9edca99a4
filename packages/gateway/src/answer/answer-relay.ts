/**
 * Passes an upstream's answer on as it comes, and has it read for what it used. Its states:
 *
 * - waiting: no head has come. What is refused or fails now is answered by whoever made the relay.
 * - relaying: the head went out; each piece is looked at, then passed on. One piece at a time: whatever takes
 *   time (the decoder, the outbox before the last word, a caller who reads slowly) holds up the upstream.
 * - draining: the caller is gone, and what the answer used is still to be known: pieces are looked at alone.
 * - over: nothing is looked at or passed on any more.
 *
 * An answer that the upstream breaks off is broken off for the caller too: a clean end would make a whole one
 * of it.
 */
import type { Dispatcher } from 'undici'
import type { RawHeaders } from '../request/raw-headers.ts'
import { AnswerReader } from './answer-reader.ts'
import { answerHeaders, answerTrailers } from './answer-headers.ts'
import { CallerBody } from './caller-body.ts'
import { breakOff, cut, sendHead } from './caller-socket.ts'
import { Drain } from './drain.ts'
import { errorEvent, refusalOf } from './error-answer.ts'
import type { AnswerHead, RelayEnd, RelayOptions } from './relay-options.ts'

type Controller = Dispatcher.DispatchController
type Terminal = { readonly trailers: RawHeaders } | 'broken'

export class AnswerRelay {
  readonly #options: RelayOptions
  #state: 'waiting' | 'relaying' | 'draining' | 'over' = 'waiting'
  #controller: Controller | undefined
  readonly #reader: AnswerReader
  /** Set while a piece is under way that takes time; what comes meanwhile waits. */
  #isBusy = false
  readonly #waiting: Buffer[] = []
  #terminal: Terminal | undefined
  readonly #out: CallerBody
  #hasBody = false
  #idle: NodeJS.Timeout | undefined
  #drain: Drain | undefined

  constructor(options: RelayOptions) {
    this.#options = options
    this.#reader = new AnswerReader(options)
    this.#out = new CallerBody(options.response)
  }

  get bytesOut(): number {
    return this.#out.bytesOut
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** The head of the answer has come, whoever reads it. */
  head(controller: Controller, head: AnswerHead): void {
    if (this.#state === 'over') return controller.abort(new Error('nobody waits for the answer'))
    this.#controller = controller
    this.#reader.open(head, this, () => void this.#stopped())
    const { response, requestId, cors, idleMs } = this.#options
    this.#idle = setTimeout(() => this.#onIdle(), idleMs)
    if (this.#state === 'draining') return this.#checkDrain()
    this.#state = 'relaying'
    const { isAccounted, rewrites: isChanged } = this.#reader
    const { status, message, headers } = head
    if (isAccounted && !isChanged && !head.isBodyless) {
      this.#out.keepsLast(Number(headers.get('content-length') ?? Infinity))
    }
    const passed = answerHeaders(headers, { requestId, isChanged, cors })
    response.sendDate = false
    response.writeHead(status, message, passed)
    // With the first piece, which mostly is there already; alone where it is not.
    queueMicrotask(() => {
      if (!this.#hasBody && !response.writableEnded) sendHead(response)
    })
  }

  data(piece: Buffer): void {
    if (this.#state === 'over') return
    this.#idle?.refresh()
    this.#drain?.saw(piece.length)
    if (this.#isBusy) {
      this.#waiting.push(piece)
      this.#controller?.pause()
      return
    }
    this.#run(this.#piece(piece))
  }

  end(trailers: RawHeaders): void {
    this.#finally({ trailers })
  }

  /** The upstream broke the answer off, after its head. */
  failed(): void {
    this.#finally('broken')
  }

  #finally(terminal: Terminal): void {
    this.#terminal = terminal
    if (!this.#isBusy) void this.#terminate(terminal)
  }

  #run(taking: Promise<void> | undefined): void {
    if (taking === undefined) return this.#checkDrain()
    this.#isBusy = true
    this.#controller?.pause()
    taking.then(
      () => this.#next(),
      () => {
        this.#waiting.length = 0
        this.#isBusy = false
        void this.#terminate('broken')
      },
    )
  }

  #next(): void {
    this.#isBusy = false
    this.#checkDrain()
    while (!this.#isBusy && this.#waiting.length > 0 && this.#state !== 'over') {
      this.#run(this.#piece(this.#waiting.shift() as Buffer))
    }
    if (this.#isBusy || this.#state === 'over') return
    if (this.#terminal !== undefined) return void this.#terminate(this.#terminal)
    this.#idle?.refresh()
    this.#controller?.resume()
  }

  #piece(piece: Buffer): Promise<void> | undefined {
    this.#hasBody = true
    const read = this.#reader.read(piece)
    return read instanceof Promise ? read.then((bytes) => this.#pass(bytes)) : this.#pass(read)
  }

  #pass(bytes: Uint8Array): Promise<void> | undefined {
    const { stored } = this.#reader
    // Some SDKs read no further than the server's last word.
    if (stored !== undefined) return stored.then(() => this.#write(bytes))
    return this.#write(bytes)
  }

  #write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#state === 'relaying' ? this.#out.write(bytes) : undefined
  }

  async #terminate(terminal: Terminal): Promise<void> {
    if (this.#state === 'over') return
    this.#isBusy = true
    const { call, watch } = this.#options
    if (terminal === 'broken') return this.#break('upstream_failed')
    const rest = await this.#reader.finish().catch(() => undefined)
    if (rest === undefined) return this.#break('upstream_failed')
    if (call?.stored !== undefined) await call.stored
    await watch?.ended()
    if (this.isOver) return
    const isRelaying = this.#state === 'relaying'
    try {
      // Its last bytes count too.
      if (isRelaying) this.#out.end(rest, answerTrailers(terminal.trailers))
    } finally {
      this.#over(isRelaying ? 'answered' : 'client_gone')
    }
  }

  /** What was seen is recorded, and the caller's connection ends in the middle. */
  #break(end: RelayEnd): void {
    if (this.#state === 'over') return
    const { state, response, watch } = { state: this.#state, ...this.#options }
    this.#reader.interrupt()
    void watch?.ended()
    this.#over(state === 'draining' && end === 'upstream_failed' ? 'client_gone' : end)
    // It is told as a failure of the upstream's.
    this.#controller?.abort(new Error('the answer is not read on'))
    if (state === 'relaying') breakOff(response)
  }

  /** The guard has ended the stream: the reader gets the reason, where that can be told in a stream of events. */
  async #stopped(): Promise<void> {
    const reader = this.#reader
    const { call, response, dialect, requestId } = this.#options
    if (this.isOver) return
    const isRelaying = this.#state === 'relaying'
    // The bytes that go out are those that a reader of events takes.
    const isTold = reader.isEvents && this.#out.endsWithBlank && !reader.passesEncoded
    const refusal = refusalOf(reader.stopReason)
    this.#over(isRelaying ? 'answered' : 'client_gone', refusal)
    this.#controller?.abort(new Error('the guard has ended the stream'))
    await call?.stored
    if (!isRelaying) return
    if (!isTold) return breakOff(response)
    response.end(errorEvent(refusal, dialect, requestId))
  }

  /** The caller has closed the connection before the end. */
  clientGone(): void {
    if (this.#state === 'over' || this.#state === 'draining') return
    this.#state = 'draining'
    this.#drain = new Drain(() => this.#break('client_gone'))
    this.#checkDrain()
  }

  #checkDrain(): void {
    if (this.#state !== 'draining' || this.#isBusy) return
    const { call, watch, isStream, abortsStreams } = this.#options
    const isUnmetered = (call === undefined || call.settled) && watch === undefined
    this.#drain?.check({
      isUnread: isUnmetered && this.#controller !== undefined,
      hasBody: this.#hasBody,
      isAbortable: isStream && abortsStreams,
      awaitsUsage: this.#reader.awaitsUsage,
    })
  }

  /**
   * The gateway ends.
   *
   * @param isFinal else only streams that nobody waits for are given up, of which what has come is estimated. Of a
   * whole answer nothing is known before its end, nor what a finished stream used before it says so.
   */
  shutDown(isFinal: boolean): void {
    if (this.#state !== 'draining') return isFinal ? this.#break('shut_down') : undefined
    const isEstimated = this.#options.isStream && !this.#reader.awaitsUsage
    if (isFinal || isEstimated) this.#break('client_gone')
  }

  /** Nothing came for so long, or the caller has taken nothing. */
  #onIdle(): void {
    if (!this.#isBusy) return this.#break('upstream_failed')
    const { response } = this.#options
    const isUntaken = this.#state === 'relaying' && response.writableNeedDrain
    if (!isUntaken || this.#terminal !== undefined) return this.#break('client_gone')
    // As if the caller had hung up: what the answer used is still to come.
    this.#idle?.refresh()
    cut(response)
    this.clientGone()
  }

  /** Nothing will come of the request: whoever made the relay has answered it. */
  cancel(): void {
    this.#over(undefined)
  }

  #over(end: RelayEnd | undefined, refusal?: ReturnType<typeof refusalOf>): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    clearTimeout(this.#idle)
    this.#drain?.end()
    this.#reader.close()
    if (end !== undefined) this.#options.ended(end, refusal)
  }
}
