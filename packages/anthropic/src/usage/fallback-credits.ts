import { jsonObject, text } from '@token-meter/core/wire'

/** How long Anthropic takes a token, in ms, and a little more for the retry itself. */
const keptMs = 6 * 60_000
const mostKept = 1000

interface Credit {
  readonly warmTokens: number
  readonly untilMs: number
}

/**
 * What refused requests had read from their model's cache, by the token that makes a retry on
 * another model cheaper: as many of the retry's cache writes cost what reads do. In memory alone, as
 * the token is a secret. https://platform.claude.com/docs/en/build-with-claude/fallback-credit
 */
export class FallbackCredits {
  readonly #credits = new Map<string, Credit>()

  /** A refusal came with a token. */
  granted(token: string, usage: unknown): void {
    const read = jsonObject(usage).cache_read_input_tokens ?? 0
    if (typeof read !== 'number' || !Number.isSafeInteger(read) || read < 0) return
    const now = performance.now()
    for (const [known, { untilMs }] of this.#credits) {
      if (untilMs > now && this.#credits.size < mostKept) break
      this.#credits.delete(known)
    }
    this.#credits.set(token, { warmTokens: read, untilMs: now + keptMs })
  }

  /**
   * The tokens that the refused request had read, whose token a request presents: the text itself, or
   * `{ token }`. `undefined` where this process has not seen the refusal.
   */
  warmTokens(presented: unknown): number | undefined {
    const token = text(presented) ?? text(jsonObject(presented).token)
    const credit = token === undefined ? undefined : this.#credits.get(token)
    return credit === undefined || credit.untilMs < performance.now()
      ? undefined
      : credit.warmTokens
  }
}
