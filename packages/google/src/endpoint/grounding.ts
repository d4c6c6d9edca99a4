import { jsonObject, type UsageDetails, usageDetails } from '@token-meter/core/wire'

/** What tools of Google ran for one response: how often they are billed depends on the model. */
export class Grounding {
  #queries: Set<string> | undefined
  #images: Set<string> | undefined
  #pages: Set<string> | undefined
  #isFromMaps = false
  #codeRuns = 0
  /** An answer has had images, sound or video in it. */
  hasMedia = false

  /** Looks at a whole response or one chunk of it. */
  see(candidates: unknown): void {
    if (!Array.isArray(candidates)) return
    for (const candidate of candidates) {
      const { groundingMetadata, urlContextMetadata, content } = jsonObject(candidate)
      this.#seeMetadata(groundingMetadata)
      this.#seePages(urlContextMetadata)
      this.#seeParts(content)
    }
  }

  #seeMetadata(metadata: unknown): void {
    const { webSearchQueries, imageSearchQueries, groundingChunks, googleMapsWidgetContextToken } =
      jsonObject(metadata)
    // An empty query is not billed, and neither is the same one of a later chunk.
    for (const query of texts(webSearchQueries)) (this.#queries ??= new Set()).add(query)
    for (const query of texts(imageSearchQueries)) (this.#images ??= new Set()).add(query)
    this.#isFromMaps ||= typeof googleMapsWidgetContextToken === 'string'
    if (!Array.isArray(groundingChunks)) return
    this.#isFromMaps ||= groundingChunks.some((chunk) => jsonObject(chunk).maps !== undefined)
  }

  #seePages(metadata: unknown): void {
    const { urlMetadata } = jsonObject(metadata)
    if (!Array.isArray(urlMetadata)) return
    for (const { retrievedUrl, urlRetrievalStatus } of urlMetadata.map(jsonObject)) {
      if (!String(urlRetrievalStatus).endsWith('_SUCCESS')) continue
      ;(this.#pages ??= new Set()).add(String(retrievedUrl))
    }
  }

  #seeParts(content: unknown): void {
    const { parts } = jsonObject(content)
    if (!Array.isArray(parts)) return
    for (const part of parts) {
      const { executableCode, inlineData, thought } = jsonObject(part)
      if (executableCode !== undefined) this.#codeRuns++
      if (inlineData !== undefined && thought !== true) this.hasMedia = true
    }
  }

  /**
   * What is billed. Searches: every query from Gemini 3 on, one per grounded response before
   * (https://ai.google.dev/gemini-api/docs/google-search). Maps: by the answer that has places of it
   * (https://ai.google.dev/gemini-api/docs/maps-grounding), as no answer says its queries there.
   */
  details(model: string): UsageDetails {
    const count = (this.#queries?.size ?? 0) + (this.#images?.size ?? 0)
    return usageDetails({
      webSearchRequests: searchesBilled(count, model),
      webFetchRequests: this.#pages?.size,
      mapsRequests: this.#isFromMaps ? 1 : 0,
      codeExecutionCalls: this.#codeRuns,
    })
  }
}

/** One for each grounded answer of the models before Gemini 3, which bills every query. */
export function searchesBilled(queries: number, model: string): number {
  return /gemini-[12](?![0-9])/.test(model) ? Math.min(1, queries) : queries
}

function texts(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.map(String).filter((text) => text !== '') : []
}
