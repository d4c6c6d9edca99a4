import type { PlainEvent, StreamReader } from '../wire/endpoint.ts'
import type { TokenEstimate } from '../wire/token-estimate.ts'
import type { ObservedCall } from './observed-call.ts'
import type { StreamEnd } from './record-sink.ts'
import { lookingAtJobs } from './job-memory.ts'
import { OpenStream } from './open-stream.ts'
import type { ResponseWatcher } from './registry.ts'
import { StreamProgress, type StreamStop } from './stream-progress.ts'

/**
 * One streamed response: feeds its events to the endpoint's reader and settles the call once,
 * whichever of finish, break, abort and error comes first. No method ever throws.
 */
export class StreamObservation implements ResponseWatcher {
  readonly call: ObservedCall
  readonly #reader: StreamReader
  readonly #output: TokenEstimate
  readonly #progress: StreamProgress | undefined
  readonly #open: OpenStream | undefined
  /** Set once the guard of the call refuses what more it would use: whoever reads on gets the reason. */
  stopped: StreamStop | undefined
  #onStop: { deref(): (() => void) | undefined } | undefined
  #events = 0
  #broken = false
  /** The response whose body the caller may read instead. Weak: it must be seen to be dropped. */
  #response: { deref(): Response | undefined } | undefined

  private constructor(call: ObservedCall, reader: StreamReader, output: TokenEstimate) {
    this.call = call
    this.#reader = reader
    this.#output = output
    const { progress } = call
    if (call.keepsOpen) this.#open = new OpenStream(() => this.#keepOpen())
    this.#progress = progress && new StreamProgress(progress, output, (stop) => this.#stop(stop))
  }

  /** A guard follows how its output grows. */
  get canBeStopped(): boolean {
    return this.#progress !== undefined
  }

  /**
   * Has a listener called should the stream be stopped: it closes the connection, and what is read next
   * fails with the reason in `stopped`. Without one a stream is never stopped, and is recorded whole.
   *
   * @param reading what the caller holds while it reads. The listener lives as long, and may hold it: it must be seen
   * to be dropped.
   */
  whenStopped(reading: object, listener: () => void): void {
    this.#onStop = weakly(reading, listener)
  }

  /** Nobody waits for what still comes: it is read for its usage alone, whatever a guard says. */
  neverStop(): void {
    this.#onStop = undefined
  }

  /** What was used until then is recorded. */
  #stop(stop: StreamStop): void {
    const close = this.#onStop?.deref()
    if (this.call.settled || close === undefined) return
    this.stopped = stop
    try {
      close()
    } catch {
      // It is closed already.
    }
    this.end('interrupted')
  }

  /** `undefined` when the call's endpoint does not stream. */
  static open(call: ObservedCall): StreamObservation | undefined {
    const output = call.newEstimate()
    const reader = call.endpoint.openStream?.(call.call, output, {
      hidesUsage: call.rewrite?.hidesUsage() === true,
      headers: call.headers,
    })
    return reader && new StreamObservation(call, reader, output)
  }

  /** False when the caller gets every event as it came. */
  get rewrites(): boolean {
    return this.#reader.rewrites
  }

  /** Looks at one event; returns it as the caller gets it, `undefined` where it is hidden. */
  push(event: unknown): unknown {
    this.#events++
    if (this.#broken) return event
    try {
      const shown = this.#reader.push(event)
      this.#progress?.grown()
      this.#open?.grown()
      return shown
    } catch {
      // A reader met a shape it did not expect. What it read so far stays; it is asked no more.
      this.#broken = true
      return event
    }
  }

  /** Whether the event that was pushed last is one of many that differ in a text alone. */
  plain(event: unknown): PlainEvent | undefined {
    if (this.#broken) return undefined
    try {
      return this.#reader.plain?.(event)
    } catch {
      return undefined
    }
  }

  /** Such an event came: its text is all that it has. */
  skim({ isToolCall }: PlainEvent, text: string): void {
    this.#events++
    if (this.#broken) return
    if (isToolCall === true) this.#output.addToolCall(text)
    else this.#output.add(text)
    this.#progress?.grown()
    this.#open?.grown()
  }

  /** An event could not be kept until it was whole. */
  tooLong(): void {
    this.call.report('an event of a streamed answer is too long to be read')
  }

  /** The model is done. */
  get finished(): boolean {
    return this.#reader.finished
  }

  /** Nothing that is read follows: whoever reads no further has had it all. */
  get isOver(): boolean {
    const { ended, finished, usageSeen } = this.#reader
    return ended ?? (finished && usageSeen)
  }

  /** The model is done and only its usage has yet to come. */
  get awaitsUsage(): boolean {
    return !this.call.settled && this.#reader.finished && !this.#reader.usageSeen
  }

  /** The caller has the raw response too, which is dropped later than its stream. */
  shareBody(response: Response): void {
    // Where there is no WeakRef, nothing sees what is dropped either.
    this.#response =
      typeof WeakRef === 'undefined' ? { deref: () => response } : new WeakRef(response)
  }

  get sharesBody(): boolean {
    return this.#response !== undefined
  }

  /** The caller has read the body another way: the stream has none of it, and does not count. */
  get bodyTaken(): boolean {
    return this.#response?.deref()?.bodyUsed === true
  }

  /** The stream was dropped without being read to its end. */
  dropped(): void {
    if (!this.sharesBody) this.end('interrupted')
  }

  /** The stream is over; the first call counts. @param error that it failed with. */
  end(end: StreamEnd, error?: unknown): void {
    this.#open?.over()
    this.#settle(end, error)
    // The caller can hold the stream, and with it this, long after its end.
    this.#output.forgetText()
  }

  /** Keeps what was used by now. False before anything was. */
  #keepOpen(): boolean {
    if (this.call.settled || this.#broken) return true
    try {
      const readings = lookingAtJobs(() => this.#reader.readings())
      const isStated = readings.some(({ raw }) => raw !== undefined)
      if (!isStated && this.#output.isEmpty) return false
      this.call.keep(readings, this.#isKnown ? 'complete' : 'interrupted', this.#output)
    } catch {
      // The record of its end says what went wrong.
    }
    return true
  }

  /** The provider has said its last word of what was used. */
  get #isKnown(): boolean {
    return this.#reader.finished && this.#reader.usageSeen
  }

  #settle(end: StreamEnd, error: unknown): void {
    if (this.call.settled) return
    // The provider refused before a single event: nothing was generated, nothing is owed.
    if (end === 'failed' && this.#events === 0) {
      return error === undefined ? this.call.dismiss() : this.call.failed(error)
    }
    try {
      this.call.end(
        this.#reader.readings(),
        this.#isKnown || end === 'complete' ? 'complete' : 'interrupted',
        this.#output,
      )
    } catch {
      this.call.abandon()
    }
  }
}

/** What each reading keeps alive. */
const kept = new WeakMap<object, object>()

/** A value that lives as long as its holder does, which it may hold itself. */
function weakly<Value extends object>(
  holder: object,
  value: Value,
): { deref(): Value | undefined } {
  // Where there is no WeakRef, nothing sees what is dropped either.
  if (typeof WeakRef === 'undefined') return { deref: () => value }
  kept.set(holder, value)
  return new WeakRef(value)
}
