import { jsonObject, type RefusalBilling, refusalBilling, text } from '@token-meter/core/wire'

/** An attempt that a model declined, by the `fallback` block where another one took over. */
interface Declined {
  readonly model: string | undefined
  readonly category: unknown
  readonly hasOutput: boolean
}

/** The iterations of one model in a row, which made one attempt. */
export interface Attempt {
  readonly model: string | undefined
  /** Output tokens of all of them. */
  readonly output: number
}

/** Of a request that it refuses at once, Anthropic counts a token of output for nothing. */
const outputOfNothing = 1

const isBilled: RefusalBilling = {}

/**
 * What a message says of refusals: whether the answer is one, which attempts were declined before
 * it, for which category, and whether they had put anything out by then. A content block is output,
 * whatever `output_tokens` says. https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
 */
export class Refusals {
  readonly #provider: string
  readonly #declined: Declined[] = []
  #hasOutput = false
  #isRefused = false
  #details: Readonly<Record<string, unknown>> = {}

  /** @param provider who serves the message: not all leave refusals out of the bill. */
  constructor(provider: string) {
    this.#provider = provider
  }

  /** Of a whole message, as plain JSON. */
  static of(message: unknown, provider: string): Refusals {
    const { content, stop_reason, stop_details } = jsonObject(message)
    const refusals = new Refusals(provider)
    for (const block of Array.isArray(content) ? content : []) refusals.seeBlock(block)
    refusals.seeStop(stop_reason, stop_details)
    return refusals
  }

  /** A content block, whole or at its beginning. */
  seeBlock(block: unknown): void {
    const { type, from, trigger } = jsonObject(block)
    if (type !== 'fallback') {
      this.#hasOutput = true
      return
    }
    const model = text(jsonObject(from).model)
    const { category } = jsonObject(trigger)
    this.#declined.push({ model, category, hasOutput: this.#hasOutput })
    this.#hasOutput = false
  }

  /** Why the message ended, with its `stop_details`; each may still be missing. */
  seeStop(reason: unknown, details: unknown): void {
    if (reason === 'refusal') this.#isRefused = true
    if (details !== undefined && details !== null) this.#details = jsonObject(details)
  }

  /** What makes another model's retry cheaper: the `fallback_credit_token` of a refusal. */
  get creditToken(): string | undefined {
    return this.#isRefused ? text(this.#details.fallback_credit_token) : undefined
  }

  /** Of the answer itself, which the last model gave. */
  get answer(): RefusalBilling {
    if (!this.#isRefused || this.#hasOutput) return isBilled
    return refusalBilling(this.#provider, this.#details.category)
  }

  /** Of the attempts before the answer, in their order. */
  attempts(attempts: readonly Attempt[]): readonly RefusalBilling[] {
    const isInOrder = this.#declined.length === attempts.length
    const left = [...this.#declined]
    return attempts.map(({ model, output }) => {
      const place = isInOrder ? 0 : left.findIndex((each) => each.model === model)
      const [declined] = place < 0 ? [] : left.splice(place, 1)
      if (declined?.hasOutput ?? output > outputOfNothing) return isBilled
      return refusalBilling(this.#provider, declined?.category)
    })
  }
}
