import {
  type Call,
  RunningUsage,
  type StreamReader,
  type TokenEstimate,
  type UsageReading,
} from '@token-meter/core/wire'
import { contentReading } from './content-reading.ts'
import { Grounding } from './grounding.ts'
import { addCandidates } from './output-text.ts'
import { isRefusal } from './refusal.ts'

/** The parts of a streamed chunk that matter here; all of them can be missing or odd. */
interface Chunk {
  readonly candidates?: unknown
  readonly usageMetadata?: unknown
  readonly modelVersion?: unknown
  readonly responseId?: unknown
  readonly promptFeedback?: { readonly blockReason?: unknown } | null
}

/** Follows one HTTP response of streamGenerateContent, whose chunks carry running totals. */
export class ContentStreamReader implements StreamReader {
  readonly hides = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #usage = new RunningUsage()
  readonly #grounding = new Grounding()
  #modelVersion: unknown
  #responseId: unknown
  #isFinished = false
  #isUsageFinal = false
  #isRefused = false

  constructor(call: Call, output: TokenEstimate) {
    this.#call = call
    this.#output = output
  }

  get finished(): boolean {
    return this.#isFinished
  }

  get usageSeen(): boolean {
    return this.#isUsageFinal
  }

  see(event: unknown): boolean {
    if (typeof event !== 'object' || event === null) return false
    const { candidates, usageMetadata, modelVersion, responseId, promptFeedback } = event as Chunk
    this.#responseId ??= responseId
    // SDK 1 hands an error inside the stream on as if it were a chunk.
    if (isRefusal(event)) this.#isRefused = true
    if (typeof modelVersion === 'string' && modelVersion !== '') this.#modelVersion = modelVersion
    if (Array.isArray(candidates)) {
      addCandidates(candidates, this.#output)
      this.#grounding.see(candidates)
      this.#isFinished ||= candidates.some((candidate) => Boolean(candidate?.finishReason))
    }
    this.#isFinished ||= Boolean(promptFeedback?.blockReason)
    if (this.#usage.see(usageMetadata)) {
      this.#isUsageFinal = this.#isFinished && this.#usage.isStated
    }
    return false
  }

  readings(): readonly UsageReading[] {
    const raw = this.#usage.latest
    if (this.#isRefused && raw === undefined && this.#output.isEmpty) return []
    const reading = contentReading(
      raw,
      this.#modelVersion,
      this.#call.body.model,
      this.#grounding,
      this.#responseId,
    )
    if (this.#isUsageFinal || raw === undefined) return [reading]
    const { candidatesTokenCount, candidatesTokensDetails, thoughtsTokenCount } = raw
    const isCounted = candidatesTokenCount ?? candidatesTokensDetails
    if ((isCounted !== undefined && isCounted !== null) || this.#output.isEmpty) return [reading]
    // The totals that came did not count the answer yet: what went by is estimated.
    if (typeof thoughtsTokenCount === 'number' && reading.details.reasoning === thoughtsTokenCount)
      this.#output.addTokens(thoughtsTokenCount)
    return [{ ...reading, tokens: { ...reading.tokens, output: undefined } }]
  }
}
