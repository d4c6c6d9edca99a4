import { listenToProcess } from '@token-meter/core/adapter'

/** A stream that somebody may still read. */
export interface IdleStream {
  readonly isReading: boolean
  readonly reads: number
  /** It counts as left. */
  dropped(): void
}

/** How often open streams are looked at, in ms. */
const lookEveryMs = 60_000
/** Looks without a read between them, until a stream counts as left: about 5 minutes. */
const mostIdleLooks = 5

const open = new Map<IdleStream, { reads: number; looks: number }>()
let timer: ReturnType<typeof setInterval> | undefined
let watchesExit = false

/**
 * Sees to it that a stream is recorded though the caller neither reads on nor cancels it, but keeps
 * it: `break` on the `textStream` of ai 7 does this. After some minutes without a read, and at the
 * latest when the process has nothing else to do, it counts as left; a stream that the caller drops
 * is found sooner. The stream itself is not touched.
 */
export function watchIdle(stream: IdleStream): void {
  open.set(stream, { reads: 0, looks: 0 })
  if (timer === undefined) {
    timer = setInterval(look, lookEveryMs)
    timer.unref?.()
  }
  if (watchesExit) return
  watchesExit = true
  listenToProcess((process) => process.on('beforeExit', leaveAll))
}

/** The stream is over. */
export function forgetIdle(stream: IdleStream): void {
  open.delete(stream)
}

function look(): void {
  for (const [stream, seen] of open) {
    if (stream.isReading || stream.reads !== seen.reads) {
      seen.reads = stream.reads
      seen.looks = 0
    } else if (++seen.looks >= mostIdleLooks) {
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
