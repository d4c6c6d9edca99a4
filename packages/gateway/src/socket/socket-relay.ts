/**
 * Two WebSockets, of which each gets what the other says: messages with their kind, pings and pongs, the close with its
 * code and reason, in their order. Of a message only where its fragments were cut is not kept.
 *
 *     from ──> looked at ──> passed, or not ──> to
 *                 └─ not known yet: what follows waits behind it, and `from` is read no further
 *
 * Who takes messages more slowly than they come has the other wait. Where one breaks off, the other is broken off too,
 * behind all that was said: never a clean end.
 */
import type { RawData, WebSocket } from 'ws'

/** Whether a message is passed on. What rejects has been told: the message is not passed on. */
export type Passes = boolean | Promise<boolean>

export interface RelayOptions {
  readonly caller: WebSocket
  readonly upstream: WebSocket
  /** A message of the caller's, before it is passed on. */
  readonly fromCaller: (data: Buffer, isBinary: boolean) => Passes
  /** A message of the upstream's, before it is passed on. */
  readonly fromUpstream: (data: Buffer, isBinary: boolean) => Passes
  /** How long who takes nothing may hold the other up, in ms. */
  readonly idleMs: number
  /** Both are over. Once. @param by who ended it first. */
  readonly ended: (by: RelayEnder) => void
}

export type RelayEnder = 'caller' | 'upstream' | 'gateway'

/** More than this waiting to be taken, in bytes, and the other side waits. */
const highBytes = 2 ** 20
const lowBytes = 2 ** 18
/** How long what was said may take to leave before a connection is broken off, in ms. */
const flushMs = 5000

export class SocketRelay {
  readonly #options: RelayOptions
  readonly #toUpstream: Direction
  readonly #toCaller: Direction
  #endedBy: RelayEnder | undefined
  #open = 2

  constructor(options: RelayOptions) {
    this.#options = options
    const { caller, upstream, fromCaller, fromUpstream, idleMs } = options
    const stalled = () => this.close(1013, 'nothing was taken for too long')
    this.#toUpstream = new Direction(caller, upstream, { look: fromCaller, idleMs, stalled })
    this.#toCaller = new Direction(upstream, caller, { look: fromUpstream, idleMs, stalled })
    caller.once('close', (code, reason) => this.#onClose('caller', code, reason))
    upstream.once('close', (code, reason) => this.#onClose('upstream', code, reason))
    // What is wrong with a frame closes its connection, which is seen there.
    for (const socket of [caller, upstream]) socket.on('error', () => {})
  }

  /** Bytes of messages that were passed on. */
  get bytesToUpstream(): number {
    return this.#toUpstream.bytes
  }

  get bytesToCaller(): number {
    return this.#toCaller.bytes
  }

  /** A message of the gateway's own, in its place behind what was passed on. */
  tellCaller(text: string): void {
    this.#toCaller.say(text)
  }

  /** Ends both. */
  close(code: number, reason: string): void {
    this.#endedBy ??= 'gateway'
    const { caller, upstream } = this.#options
    for (const socket of [caller, upstream]) {
      socket.resume()
      closeWith(socket, code, reason)
    }
  }

  /** Breaks both off, at once. */
  terminate(): void {
    this.#endedBy ??= 'gateway'
    this.#options.caller.terminate()
    this.#options.upstream.terminate()
  }

  #onClose(by: 'caller' | 'upstream', code: number, reason: Buffer): void {
    this.#endedBy ??= by
    const direction = by === 'caller' ? this.#toUpstream : this.#toCaller
    direction.end(code, reason)
    if (--this.#open > 0) return
    this.#toUpstream.over()
    this.#toCaller.over()
    this.#options.ended(this.#endedBy)
  }
}

type Said =
  | { readonly kind: 'message'; readonly data: Buffer; readonly isBinary: boolean }
  | { readonly kind: 'ping' | 'pong'; readonly data: Buffer }

interface DirectionOptions {
  readonly look: (data: Buffer, isBinary: boolean) => Passes
  readonly idleMs: number
  readonly stalled: () => void
}

/** What one says and the other gets. */
class Direction {
  bytes = 0
  readonly #from: WebSocket
  readonly #to: WebSocket
  readonly #options: DirectionOptions
  readonly #waiting: Said[] = []
  /** A message of which it is not known yet whether it is passed on. */
  #isLooking = false
  /** So much waits to be taken that nothing more is read. */
  #isFull = false
  #stall: ReturnType<typeof setTimeout> | undefined
  #end: { readonly code: number; readonly reason: Buffer } | undefined
  #isBreaking = false

  constructor(from: WebSocket, to: WebSocket, options: DirectionOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
    from.on('message', (data, isBinary) =>
      this.#take({ kind: 'message', data: bufferOf(data), isBinary }),
    )
    from.on('ping', (data) => this.#take({ kind: 'ping', data }))
    from.on('pong', (data) => this.#take({ kind: 'pong', data }))
  }

  say(text: string): void {
    if (this.#to.readyState === this.#to.OPEN) this.#to.send(text, () => this.#sent())
  }

  /** It says no more. */
  end(code: number, reason: Buffer): void {
    this.#end = { code, reason }
    this.#endIfDone()
  }

  over(): void {
    clearTimeout(this.#stall)
    this.#waiting.length = 0
  }

  #take(said: Said): void {
    this.#waiting.push(said)
    this.#pass()
  }

  #pass(): void {
    while (!this.#isLooking) {
      const said = this.#waiting.shift()
      if (said === undefined) break
      if (said.kind !== 'message') {
        this.#send(said)
        continue
      }
      const passes = this.#options.look(said.data, said.isBinary)
      if (passes === true) this.#send(said)
      if (typeof passes !== 'boolean') this.#await(passes, said)
    }
    this.#readOn()
    this.#endIfDone()
  }

  #await(passes: Promise<boolean>, said: Said): void {
    this.#isLooking = true
    const known = (isPassed: boolean): void => {
      this.#isLooking = false
      if (isPassed) this.#send(said)
      this.#pass()
    }
    passes.then(known, () => known(false))
  }

  #send(said: Said): void {
    const to = this.#to
    if (to.readyState !== to.OPEN) return
    if (said.kind === 'message') {
      this.bytes += said.data.length
      to.send(said.data, { binary: said.isBinary }, () => this.#sent())
      this.#isFull ||= to.bufferedAmount > highBytes
    } else if (said.kind === 'ping') to.ping(said.data)
    else to.pong(said.data)
  }

  /** A message has left. */
  #sent(): void {
    if (this.#stall !== undefined) this.#stall.refresh()
    if (this.#isBreaking && this.#to.bufferedAmount === 0) this.#to.terminate()
    if (!this.#isFull || this.#to.bufferedAmount > lowBytes) return
    this.#isFull = false
    this.#readOn()
  }

  #readOn(): void {
    if (this.#isFull && this.#to.readyState === this.#to.OPEN) {
      this.#stall ??= setTimeout(this.#options.stalled, this.#options.idleMs)
    } else {
      clearTimeout(this.#stall)
      this.#stall = undefined
    }
    if (this.#isLooking || this.#isFull) this.#from.pause()
    else this.#from.resume()
  }

  #endIfDone(): void {
    if (this.#end === undefined || this.#isLooking || this.#waiting.length > 0) return
    const { code, reason } = this.#end
    const to = this.#to
    // What the other still says has to be read, for its own end to be seen.
    to.resume()
    if (code === brokenOff) this.#breakOff()
    else closeWith(to, code, reason)
  }

  /** Ends the connection behind all that was said, without a close. */
  #breakOff(): void {
    if (this.#to.bufferedAmount === 0) return this.#to.terminate()
    if (this.#isBreaking) return
    this.#isBreaking = true
    setTimeout(() => this.#to.terminate(), flushMs).unref()
  }
}

const noCode = 1005
/** There was no close, or none that could be read. */
const brokenOff = 1006

function closeWith(socket: WebSocket, code: number, reason: string | Buffer): void {
  if (code === noCode) socket.close()
  else socket.close(code, reason)
}

function bufferOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
