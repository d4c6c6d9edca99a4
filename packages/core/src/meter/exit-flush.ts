import { isRequestBound } from '../environment/request-bound.ts'
import { listenToProcess } from '../lib/runtime.ts'

/** What an ending process still has to do. */
export interface AtExit {
  /** Delivers what is left when the process has nothing else to do. Must give up by itself. */
  flush(): Promise<void>
  /** The very end, which an error and `process.exit()` reach too: nothing asynchronous runs now. */
  end(): void
}

const meters = new Set<AtExit>()

/**
 * Runs `flush` on `beforeExit`, which neither `process.exit()` nor an error nor a signal reaches,
 * and `end` on `exit`, which a signal does not. No exit code changes. Answers how to take it back.
 */
export function atExit(meter: AtExit): () => void {
  // A Worker has a `process` that never ends, and would keep the meter of every request.
  if (isRequestBound()) return () => {}
  // One listener for all: Node warns of a leak from the eleventh on.
  if (meters.size === 0 && !listenToProcess(listen)) return () => {}
  meters.add(meter)
  return () => {
    meters.delete(meter)
    if (meters.size > 0) return
    process.off('beforeExit', flushAll)
    process.off('exit', endAll)
  }
}

function listen(process: NodeJS.Process): void {
  process.on('beforeExit', flushAll)
  // Before an outbox that writes at its own end what it has by then.
  process.prependListener('exit', endAll)
}

function flushAll(): void {
  // What fails here must change no exit code.
  for (const meter of meters) void meter.flush().catch(() => {})
}

function endAll(): void {
  for (const meter of meters) {
    try {
      meter.end()
    } catch {
      // Nor keep the other meters from their end.
    }
  }
}
