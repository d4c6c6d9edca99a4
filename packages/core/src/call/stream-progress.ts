import { handleRejection } from '../lib/promises.ts'
import type { TokenEstimate } from '../wire/token-estimate.ts'

/** By how many tokens the output must have grown before it is told again. */
const stepTokens = 64

/** Why a stream may not be read on. */
export interface StreamStop {
  readonly reason: unknown
}

/**
 * Tells a guard how the output of one stream grows, for a hold that grows with it: step by step, and only
 * one step at a time. The guard's refusal stops the stream.
 */
export class StreamProgress {
  readonly #tell: (outputTokens: number) => undefined | Promise<void>
  readonly #output: TokenEstimate
  readonly #stop: (stop: StreamStop) => void
  #nextTokens = stepTokens
  #isAsking = false

  constructor(
    tell: (outputTokens: number) => undefined | Promise<void>,
    output: TokenEstimate,
    stop: (stop: StreamStop) => void,
  ) {
    this.#tell = tell
    this.#output = output
    this.#stop = stop
  }

  /** Something was added to the output. */
  grown(): void {
    const tokens = this.#output.likelyTokens
    if (tokens < this.#nextTokens || this.#isAsking) return
    this.#nextTokens = tokens + stepTokens
    try {
      const asked = this.#tell(tokens)
      if (asked === undefined) return
      this.#isAsking = true
      handleRejection(
        asked.then(() => void (this.#isAsking = false)),
        (reason) => this.#stop({ reason }),
      )
    } catch (reason) {
      this.#stop({ reason })
    }
  }
}
