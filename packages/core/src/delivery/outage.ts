import type { Batch } from '../sink/batch.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import { Timer } from '../lib/timing.ts'
import { isTakenByBackend } from './results.ts'

/** Why a sink takes nothing now. */
export interface SinkFailure {
  /** Since when it has taken nothing that it was given, in ms since the epoch. */
  readonly since: number
  /** What its backend last said, or why it could not be reached. */
  readonly reason: string
}

/** How long it may last before it is notified, in ms. */
const thresholdMs = 60_000
/** How often it is notified again, in ms. */
const againMs = 60 * 60_000
/** So often a record was tried that it has failed for as long as that, in whatever processes. */
const manyAttempts = 2

/**
 * Whether the backend of a sink takes anything:
 *
 *     taking ──nothing of a batch is taken──> failing ──anything is taken, or it is over──> taking
 *
 * One that refuses every batch (a key that was revoked) or is away is notified after a minute, and
 * every hour from then on. What is a record's own matter does not count.
 */
export class Outage {
  readonly #notify: (failure: SinkFailure) => void
  #failure: SinkFailure | undefined
  #notifiedAt: number | undefined
  // Not only when it is tried again: the backend may have asked for a long pause.
  readonly #timer = new Timer(() => this.#poll())

  constructor(notify: (failure: SinkFailure) => void) {
    this.#notify = notify
  }

  get failure(): SinkFailure | undefined {
    return this.#failure
  }

  /** @param startedAt when the batch was sent, in ms since the epoch. */
  note({ entries }: Batch, results: readonly SinkResult[], startedAt: number): void {
    const isTaken = isTakenByBackend(results)
    if (isTaken === undefined) return
    if (isTaken) return this.over()
    // A process that lives for seconds would never see a minute of it.
    const earlier = entries.map(({ attempts, firstAttemptAt }) =>
      attempts >= manyAttempts ? firstAttemptAt : undefined,
    )
    const times = [startedAt, this.#failure?.since, ...earlier].filter((at) => at !== undefined)
    this.#failure = { since: Math.min(...times), reason: reasonOf(results) }
    this.#poll()
  }

  /** It takes something, or nothing more is sent to it. */
  over(): void {
    this.#timer.clear()
    this.#failure = undefined
    this.#notifiedAt = undefined
  }

  #poll(): void {
    if (this.#failure === undefined) return
    const now = Date.now()
    if (now >= this.#dueAt(this.#failure)) {
      this.#notifiedAt = now
      this.#notify(this.#failure)
    }
    this.#timer.scheduleWithin(Math.max(1, this.#dueAt(this.#failure) - now))
  }

  #dueAt({ since }: SinkFailure): number {
    return this.#notifiedAt === undefined ? since + thresholdMs : this.#notifiedAt + againMs
  }
}

/** What the backend said last. */
function reasonOf(results: readonly SinkResult[]): string {
  const last = results.findLast((result) => result.status === 'retry' && !result.recordOnly)
  return last?.status === 'retry' ? last.reason : ''
}
