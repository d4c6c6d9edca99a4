import type { MeterStats } from './stats.ts'

interface Flushing {
  /** Appends that it covers. */
  readonly begun: number
  readonly timeoutMs: number
  readonly beganAt: number
  readonly done: Promise<MeterStats>
}

/** Flushes that begin this close together, in ms, have as good as the same deadline. */
const sameMomentMs = 10

/** Lets the flushes that mean the same share one promise. */
export class SharedFlush {
  readonly #flush: (timeoutMs: number) => Promise<MeterStats>
  #running: Flushing | undefined

  constructor(flush: (timeoutMs: number) => Promise<MeterStats>) {
    this.#flush = flush
  }

  /** @param begun appends so far. */
  run(begun: number, timeoutMs: number): Promise<MeterStats> {
    const beganAt = performance.now()
    const running = this.#running
    if (
      running?.begun === begun &&
      running.timeoutMs === timeoutMs &&
      beganAt - running.beganAt < sameMomentMs
    ) {
      return running.done
    }
    const done = this.#flush(timeoutMs)
    const flushing = { begun, timeoutMs, beganAt, done }
    this.#running = flushing
    const over = () => {
      if (this.#running === flushing) this.#running = undefined
    }
    done.then(over, over)
    return done
  }
}
