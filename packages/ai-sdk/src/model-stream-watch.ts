import type { StreamObservation } from '@token-meter/core/adapter'
import type { CallScope } from './call-scope.ts'
import { forgetIdle } from './idle-streams.ts'

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
