import type { SinkResult } from '../sink/sink.ts'
import { type Backoff, backoffMs } from './backoff.ts'

/**
 * How long a sink is left alone: as long as its backend asked, or when batch after batch failed as a
 * whole. One failing batch alone does not count, nor what is a record's own matter.
 */
export class PauseAfterFailure {
  readonly #backoff: Backoff
  #failuresInARow = 0
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
    this.#failuresInARow = 0
    this.#backoffUntil = 0
  }

  note(answers: readonly SinkResult[]): void {
    const ofBackend = answers.filter(
      (answer) => answer.status !== 'retry' || answer.recordOnly !== true,
    )
    if (ofBackend.length === 0) return
    const nothingTaken = ofBackend.every(({ status }) => status === 'retry')
    this.#failuresInARow = nothingTaken ? this.#failuresInARow + 1 : 0
    if (!nothingTaken) return
    const asked = ofBackend.map((answer) => (answer.status === 'retry' ? (answer.afterMs ?? 0) : 0))
    this.#askedUntil = performance.now() + Math.max(...asked)
    if (this.#failuresInARow > 1) {
      this.#backoffUntil = performance.now() + backoffMs(this.#failuresInARow, this.#backoff)
    }
  }
}
