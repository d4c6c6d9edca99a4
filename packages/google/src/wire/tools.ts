import { jsonObject, parsedJson, type UsageDetails, usageDetails } from '@token-meter/core/wire'

/**
 * What tools ran at Google for an answer, which are billed beside its tokens: by the metadata of a
 * generateContent's candidates, and by the steps of an interaction.
 */

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

function texts(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.map(String).filter((text) => text !== '') : []
}

type Fee =
  | 'webSearchRequests'
  | 'mapsRequests'
  | 'webFetchRequests'
  | 'codeExecutionCalls'
  | 'mcpCalls'

/** Steps that Google runs itself, and the list in their arguments that says how often, if any does. */
const steps: Readonly<Record<string, { readonly fee: Fee; readonly list?: string }>> = {
  google_search_call: { fee: 'webSearchRequests', list: 'queries' },
  google_maps_call: { fee: 'mapsRequests', list: 'queries' },
  url_context_call: { fee: 'webFetchRequests', list: 'urls' },
  code_execution_call: { fee: 'codeExecutionCalls' },
  mcp_server_tool_call: { fee: 'mcpCalls' },
}

interface ToolStep {
  readonly fee: Fee
  readonly list: string | undefined
  count: number
  /** Arguments that come in pieces, as JSON text. */
  text: string
}

/** What tools ran at Google for one interaction, by its steps. */
export class InteractionTools {
  #steps: Map<unknown, ToolStep> | undefined

  /**
   * Looks at a step, or at a streamed part of one.
   *
   * @param key tells a step from the others.
   */
  see(step: unknown, key: unknown): void {
    const { type, arguments: args } = jsonObject(step)
    const before = this.#steps?.get(key)
    if (type === 'arguments_delta') {
      if (before !== undefined && typeof args === 'string') before.text += args
      return
    }
    const kind = typeof type === 'string' && Object.hasOwn(steps, type) ? steps[type] : undefined
    if (kind === undefined) return
    const { fee, list } = kind
    const count = Math.max(before?.count ?? 1, lengthOf(args, list))
    ;(this.#steps ??= new Map()).set(key, { fee, list, count, text: before?.text ?? '' })
  }

  /** Looks at the steps of a whole interaction. */
  seeAll(list: unknown): void {
    if (Array.isArray(list)) for (const [index, step] of list.entries()) this.see(step, index)
  }

  details(model: string): UsageDetails {
    const counts: Partial<Record<Fee, number>> = {}
    for (const { fee, list, count, text } of this.#steps?.values() ?? []) {
      const said = text === '' ? count : Math.max(count, lengthOf(parsedJson(text), list))
      counts[fee] = (counts[fee] ?? 0) + said
    }
    const { webSearchRequests = 0, ...others } = counts
    return usageDetails({ ...others, webSearchRequests: searchesBilled(webSearchRequests, model) })
  }
}

function lengthOf(args: unknown, list: string | undefined): number {
  const items = list === undefined ? undefined : jsonObject(args)[list]
  return Array.isArray(items) ? items.length : 0
}

/** One for each grounded answer of the models before Gemini 3, which bills every query. */
function searchesBilled(queries: number, model: string): number {
  return /gemini-[12](?![0-9])/.test(model) ? Math.min(1, queries) : queries
}
