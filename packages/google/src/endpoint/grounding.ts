import { jsonObject } from '@token-meter/core/adapter'

/** Web searches of one response: how often they are billed depends on the model. */
export class Grounding {
  #queries: Set<string> | undefined

  /** Looks at a whole response or one chunk of it. */
  see(candidates: unknown): void {
    if (!Array.isArray(candidates)) return
    for (const candidate of candidates) {
      const { webSearchQueries } = jsonObject(jsonObject(candidate).groundingMetadata)
      if (!Array.isArray(webSearchQueries)) continue
      // An empty query is not billed, and neither is the same one of a later chunk.
      for (const query of webSearchQueries) {
        if (query !== '') (this.#queries ??= new Set()).add(String(query))
      }
    }
  }

  /**
   * Requests that are billed: every query from Gemini 3 on, one per grounded response before.
   * https://ai.google.dev/gemini-api/docs/google-search
   */
  requests(model: string): number {
    if (this.#queries === undefined) return 0
    const count = this.#queries.size
    return /gemini-[12](?![0-9])/.test(model) ? Math.min(1, count) : count
  }
}
