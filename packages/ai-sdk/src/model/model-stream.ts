import {
  handleRejection,
  listenToProcess,
  type StreamObservation,
  whenDropped,
} from '@token-meter/core/adapter'
import type { CallScope } from './call-scope.ts'

/**
 * Passes a model's stream on, part by part, as the caller pulls: nothing is read ahead, nothing is
 * kept, a cancel reaches the source at once and an error is the source's own. Where a guard stops it, its
 * last part is an error, as the AI SDK has them.
 */
export function observeModelStream(
  source: ReadableStream<unknown>,
  watch: ModelStreamWatch,
  isAborted: () => boolean,
): ReadableStream<unknown> {
  let reader: ReadableStreamDefaultReader<unknown> | undefined
  let to: ReadableStreamDefaultController<unknown>
  let cancelled = false

  const onRead = ({ done, value }: ReadableStreamReadResult<unknown>): void => {
    if (!done) {
      watch.isReading = false
      if (watch.see(value)) {
        if (!cancelled) pull()
        return
      }
      // A read can have been under way when the caller left.
      if (!cancelled) to.enqueue(value)
      return
    }
    if (cancelled) return
    if (watch.stopped !== undefined) return tellStop(watch.stopped.reason)
    watch.end('complete')
    whenStored(() => {
      if (!cancelled) to.close()
    })
  }
  const onError = (error: unknown): void => {
    if (watch.stopped !== undefined) return tellStop(watch.stopped.reason)
    watch.failed(error, isAborted())
    whenStored(() => to.error(error))
  }
  const tellStop = (error: unknown): void => {
    whenStored(() => {
      if (cancelled) return
      to.enqueue({ type: 'error', error })
      to.close()
    })
  }
  const whenStored = (work: () => void): void => {
    const { stored } = watch
    if (stored === undefined) work()
    else void stored.then(work)
  }

  // Returns no promise, which would cost as much again: one read at a time is seen to here, and
  // passing a part on pulls again by itself where the caller waits for more.
  const pull = (): void => {
    if (watch.isReading) return
    watch.isReading = true
    watch.reads++
    if (watch.stopped !== undefined) return tellStop(watch.stopped.reason)
    reader ??= source.getReader()
    void reader.read().then(onRead, onError)
  }

  const stream = new ReadableStream<unknown>(
    {
      start(controller) {
        to = controller
      },
      pull,
      cancel(reason) {
        cancelled = true
        const cancelling = (reader ?? source).cancel(reason)
        watch.end('interrupted')
        const { stored } = watch
        return stored === undefined ? cancelling : cancelling.then(() => stored)
      },
    },
    { highWaterMark: 0 },
  )
  watch.whenStopped(stream, () => handleRejection((reader ?? source).cancel()))
  whenDropped(stream, watch)
  watchIdle(watch)
  return stream
}

interface Part {
  readonly type?: unknown
  readonly usage?: { readonly raw?: unknown }
  readonly error?: unknown
}

/**
 * What is known of one stream under way. It holds neither the stream nor its source, so that a
 * stream that nobody can read any more is collected.
 */
export class ModelStreamWatch {
  /** A part has been asked for and is not here yet. */
  isReading = false
  /** How often a part was asked for. */
  reads = 0
  readonly #observation: StreamObservation
  readonly #scope: CallScope

  constructor(observation: StreamObservation, scope: CallScope) {
    this.#observation = observation
    this.#scope = scope
  }

  /** Set while the usage is being stored. */
  get stored(): Promise<void> | undefined {
    return this.#observation.call.stored
  }

  /** Set once the guard of the call has stopped the stream. */
  get stopped(): StreamObservation['stopped'] {
    return this.#observation.stopped
  }

  /** Has a listener called when that happens, which lives as long as the stream. */
  whenStopped(stream: object, close: () => void): void {
    if (!this.#observation.canBeStopped) return
    this.#observation.whenStopped(stream, () => {
      close()
      this.end('interrupted')
    })
  }

  /** Looks at a part; true where the caller must not see it. Never throws. */
  see(part: unknown): boolean {
    const scope = this.#scope
    let isHidden = false
    try {
      // Sent before the provider has answered anything.
      if ((part as Part | null | undefined)?.type === 'stream-start') return false
      isHidden = this.#observation.rewrites && (part as Part | null | undefined)?.type === 'raw'
      if (scope.isInvolved) {
        const { usage, error } = (part ?? {}) as Part
        if (scope.sawRecorded(part, usage, usage?.raw)) this.#observation.call.dismiss()
        else scope.show(part, usage, usage?.raw, error)
      }
      this.#observation.push(part)
    } catch {
      // A part whose own getters throw is the caller's to find out about.
    }
    return isHidden
  }

  /** The stream broke off. */
  failed(error: unknown, isAborted: boolean): void {
    if (this.#scope.sawRecorded(error)) this.#observation.call.dismiss()
    this.#scope.show(error)
    this.end(isAborted ? 'interrupted' : 'failed')
  }

  end(end: 'complete' | 'interrupted' | 'failed'): void {
    // Cut short, nothing need have come by which the two calls could be told to be one; the stream
    // inside is the nearer to the provider, and has its own estimate.
    if (end !== 'complete' && this.#scope.hasInnerStream && !this.#observation.finished) {
      this.#observation.call.dismiss()
    }
    this.#observation.end(end)
    forgetIdle(this)
  }

  dropped(): void {
    this.end('interrupted')
  }
}

/** A stream that somebody may still read. */
interface IdleStream {
  readonly isReading: boolean
  readonly reads: number
  /** It counts as left. */
  dropped(): void
}

/** How often open streams are polled, in ms. */
const pollMs = 60_000
/** Polls without a read between them, until a stream counts as left: about 5 minutes. */
const maxIdlePolls = 5

const open = new Map<IdleStream, { reads: number; polls: number }>()
let timer: ReturnType<typeof setInterval> | undefined
let watchesExit = false

/**
 * A stream is recorded also where the caller neither reads on nor cancels it, but keeps it: `break` on the `textStream` of ai 7 does this. After some minutes without a read, and at the
 * latest when the process has nothing else to do, it counts as left; a stream that the caller drops
 * is found sooner. The stream itself is not touched.
 */
function watchIdle(stream: IdleStream): void {
  open.set(stream, { reads: 0, polls: 0 })
  if (timer === undefined) {
    timer = setInterval(poll, pollMs)
    timer.unref?.()
  }
  if (watchesExit) return
  watchesExit = true
  listenToProcess((process) => process.on('beforeExit', leaveAll))
}

/** The stream is over. */
function forgetIdle(stream: IdleStream): void {
  open.delete(stream)
}

function poll(): void {
  for (const [stream, seen] of open) {
    if (stream.isReading || stream.reads !== seen.reads) {
      seen.reads = stream.reads
      seen.polls = 0
    } else if (++seen.polls >= maxIdlePolls) {
      stream.dropped()
    }
  }
  if (open.size > 0) return
  clearInterval(timer)
  timer = undefined
}

function leaveAll(): void {
  for (const stream of open.keys()) stream.dropped()
}
