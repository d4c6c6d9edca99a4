import type { SinkResult } from '../sink/sink.ts'
import { type Backoff, backoffMs } from './backoff.ts'

/** More failures make no pause longer. */
const mostCounted = 30

/**
 * How long a sink is left alone: as long as its backend asked, or when batch after batch failed as a
 * whole. One batch that fails alone does not count, however often, nor what is a record's own matter.
 */
export class PauseAfterFailure {
  readonly #backoff: Backoff
  /** Batches that failed since the last that did not. */
  readonly #failed = new Set<string>()
  /** Until when the backend asked not to be called, as `performance.now()`. */
  #askedUntil = 0
  /** Until when our own back-off waits. */
  #backoffUntil = 0

  constructor(backoff: Backoff) {
    this.#backoff = backoff
  }

  leftMs(): number {
    return Math.max(this.#askedUntil, this.#backoffUntil) - performance.now()
  }

  /** Ends the back-off; what the backend asked for still holds. */
  hurry(): void {
    this.#failed.clear()
    this.#backoffUntil = 0
  }

  note(batchId: string, answers: readonly SinkResult[]): void {
    const ofBackend = answers.filter(
      (answer) => answer.status !== 'retry' || answer.recordOnly !== true,
    )
    if (ofBackend.length === 0) return
    const nothingTaken = ofBackend.every(({ status }) => status === 'retry')
    if (!nothingTaken) return this.#failed.clear()
    if (this.#failed.size < mostCounted) this.#failed.add(batchId)
    let askedMs = 0
    for (const answer of ofBackend) {
      if (answer.status === 'retry') askedMs = Math.max(askedMs, answer.afterMs ?? 0)
    }
    this.#askedUntil = performance.now() + askedMs
    if (this.#failed.size > 1) {
      this.#backoffUntil = performance.now() + backoffMs(this.#failed.size, this.#backoff)
    }
  }
}
