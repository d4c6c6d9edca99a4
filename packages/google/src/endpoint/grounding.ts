import { jsonObject } from '@token-meter/core/adapter'

/** Web searches of one response: how often they are billed depends on the model. */
export class Grounding {
  readonly #queries = new Set<string>()

  /** Looks at a whole response or one chunk of it. */
  see(candidates: unknown): void {
    if (!Array.isArray(candidates)) return
    for (const candidate of candidates) {
      const { webSearchQueries } = jsonObject(jsonObject(candidate).groundingMetadata)
      if (!Array.isArray(webSearchQueries)) continue
      // An empty query is not billed, and neither is the same one of a later chunk.
      for (const query of webSearchQueries) if (query !== '') this.#queries.add(String(query))
    }
  }

  /**
   * Requests that are billed: every query from Gemini 3 on, one per grounded response before.
   * https://ai.google.dev/gemini-api/docs/google-search
   */
  requests(model: string): number {
    const isPerResponse = /gemini-[12](?![0-9])/.test(model)
    return isPerResponse ? Math.min(1, this.#queries.size) : this.#queries.size
  }
}
