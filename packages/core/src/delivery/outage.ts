import type { Batch } from '../sink/batch.ts'
import type { SinkResult } from '../sink/sink.ts'

/** Why a sink takes nothing now. */
export interface SinkFailure {
  /** Since when it has taken nothing that it was given, in ms since the epoch. */
  readonly since: number
  /** What its backend last said, or why it could not be reached. */
  readonly reason: string
}

/** How long it may last before it is told, in ms. */
const patienceMs = 60_000
/** How often it is told again, in ms. */
const againMs = 60 * 60_000
/** So often a record was tried that it has failed for as long as that, in whatever processes. */
const manyAttempts = 2

/**
 * Whether the backend of a sink takes anything. One that refuses every batch (a key that was revoked)
 * or is away is told after a minute, and every hour from then on; one batch that it takes ends that.
 * What is a record's own matter does not count.
 */
export class Outage {
  readonly #tell: (failure: SinkFailure) => void
  #failure: SinkFailure | undefined
  #toldAt: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(tell: (failure: SinkFailure) => void) {
    this.#tell = tell
  }

  get failure(): SinkFailure | undefined {
    return this.#failure
  }

  /** @param startedAt when the batch was sent, in ms since the epoch. */
  note({ entries }: Batch, answers: readonly SinkResult[], startedAt: number): void {
    const ofBackend = answers.filter((answer) => answer.status !== 'retry' || !answer.recordOnly)
    if (ofBackend.length === 0) return
    const failed = ofBackend.findLast((answer) => answer.status === 'retry')
    if (failed === undefined || ofBackend.some(({ status }) => status !== 'retry')) {
      return this.over()
    }
    // A process that lives for seconds would never see a minute of it.
    const earlier = entries.map(({ attempts, firstAttemptAt }) =>
      attempts >= manyAttempts ? firstAttemptAt : undefined,
    )
    const times = [startedAt, this.#failure?.since, ...earlier].filter((at) => at !== undefined)
    this.#failure = { since: Math.min(...times), reason: failed.reason }
    this.#look()
  }

  /** It takes something, or nothing more is sent to it. */
  over(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#failure = undefined
    this.#toldAt = undefined
  }

  #look(): void {
    if (this.#failure === undefined) return
    const now = Date.now()
    if (now >= this.#dueAt(this.#failure)) {
      this.#toldAt = now
      this.#tell(this.#failure)
    }
    if (this.#timer !== undefined) return
    // Not only when it is tried again: the backend may have asked for a long pause.
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#look()
      },
      Math.max(1, this.#dueAt(this.#failure) - now),
    )
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  #dueAt({ since }: SinkFailure): number {
    return this.#toldAt === undefined ? since + patienceMs : this.#toldAt + againMs
  }
}
