import type { TokenType } from './token-counts.ts'

/** What is billed beside tokens; most other details are parts of the counts. */
export const quantities = [
  'seconds',
  'characters',
  'images',
  'pages',
  'searchUnits',
  'classifications',
  'webSearchRequests',
  'webFetchRequests',
  'xSearchRequests',
  'searchSources',
  'mapsRequests',
  'fileSearchCalls',
  'codeExecutionCalls',
  'containers',
  'guardrailUnits',
] as const

export type Quantity = (typeof quantities)[number]

/**
 * Subsets of the counts and other billed quantities, for information and pricing. A subset is
 * already inside its count: never add it again. Tokens unless the name says otherwise.
 */
export interface UsageDetails {
  /** Inside output. */
  readonly reasoning?: number
  /** Inside input (cached or not). */
  readonly audioInput?: number
  /** Inside output. */
  readonly audioOutput?: number
  /** Inside input (cached or not). */
  readonly imageInput?: number
  /** Inside output. */
  readonly imageOutput?: number
  /** Inside cachedInput and imageInput: cached images have a price of their own. */
  readonly cachedImageInput?: number
  /** Inside input (cached or not). */
  readonly videoInput?: number
  /** Inside output. */
  readonly videoOutput?: number
  /** Inside cachedInput and audioInput: cached audio has a price of its own. */
  readonly cachedAudioInput?: number
  /** Inside cachedInput and videoInput: cached video has a price of its own. */
  readonly cachedVideoInput?: number
  /** Inside output; predicted tokens that the model used. */
  readonly acceptedPrediction?: number
  /** Inside output; predicted tokens that the model did not use, billed all the same. */
  readonly rejectedPrediction?: number
  /** Inside cachedWrite, kept 5 minutes. */
  readonly cachedWrite5m?: number
  /** Inside cachedWrite, kept 30 minutes. */
  readonly cachedWrite30m?: number
  /** Inside cachedWrite, kept 1 hour. */
  readonly cachedWrite1h?: number
  /** Inside cachedWrite, kept 12 hours. */
  readonly cachedWrite12h?: number
  /**
   * Inside cachedWrite, of whatever lifetime: written at the price of a read (cachedInput), because
   * another model had refused the request that had them in its cache.
   */
  readonly creditedWrite?: number
  /**
   * What became of the credit that a retry of a refused request presented: `redeemed` for the
   * `creditedWrite`, `not_applied`, or `unknown` where it was redeemed for some of the cachedWrite and
   * nobody knows for how much, so that all of it is priced as written.
   */
  readonly fallbackCredit?: 'redeemed' | 'not_applied' | 'unknown'
  /** Web searches the provider ran, in requests. */
  readonly webSearchRequests?: number
  /** Web pages the provider fetched, in requests. */
  readonly webFetchRequests?: number
  /** Searches of posts on X that xAI ran, in calls. */
  readonly xSearchRequests?: number
  /** Sources that xAI's live search used, in pieces. */
  readonly searchSources?: number
  /** How much a web search reads, where its price depends on that: `low`, `medium`, `high`. */
  readonly searchContextSize?: string
  /** What Perplexity read of its sources, in tokens, beside all counts. */
  readonly citationTokens?: number
  /** Answers, or queries from Gemini 3 on, that were grounded in Google Maps, in requests. */
  readonly mapsRequests?: number
  /** Searches of stored files (vector stores, collections, libraries) that the provider ran, in calls. */
  readonly fileSearchCalls?: number
  /** Times that the provider ran code of the model, in calls. */
  readonly codeExecutionCalls?: number
  /**
   * Containers at the provider that the response used for code or a shell, each once. OpenAI bills a
   * container when it is made and not with each response that uses it, which no answer tells apart.
   */
  readonly containers?: number
  /**
   * Units of text and images that guardrails of Amazon Bedrock checked, each policy's for itself and
   * without those that are free. Their prices depend on the policy: `raw` has each.
   */
  readonly guardrailUnits?: number
  /** Calls of tools of remote MCP servers that the provider made. */
  readonly mcpCalls?: number
  /** Images that a tool of the provider made for the response, in calls of the tool. */
  readonly imageGenerationCalls?: number
  /** Audio or video billed by time, in seconds. */
  readonly seconds?: number
  /** Text billed by length, in characters. */
  readonly characters?: number
  /** Images billed by piece. */
  readonly images?: number
  /** Pages of documents billed by piece, as OCR and parsing are. */
  readonly pages?: number
  /** Search units of a reranker. At Cohere one is a query with up to 100 documents. */
  readonly searchUnits?: number
  /** Classifications billed by piece: one for each text that was classified. */
  readonly classifications?: number
  /** What the provider itself says the call cost, in USD; 0 where it says that it is free. */
  readonly providerCostUsd?: number
  /**
   * What a gateway says the model's own provider charged for the call, in USD. Inside
   * providerCostUsd, or beside it where the key was the application's own.
   */
  readonly upstreamCostUsd?: number
  /**
   * The gateway called the model's provider with the application's own key: providerCostUsd is the
   * gateway's fee alone, and the provider bills the application beside.
   */
  readonly byok?: true
  /** The id that a gateway lists the call by, to check its bill against. */
  readonly gatewayCallId?: string
  /** How fast it was served, where that has a price of its own: `fast`. */
  readonly speed?: string
  /** Where it was computed, where that has a price of its own: `us`, `global`. */
  readonly inferenceGeo?: string
  /**
   * The counts of which the provider did not say how much is text, images, audio or video, where
   * more than one of them is possible: they have no price where those have different ones.
   */
  readonly unsplit?: readonly TokenType[]
  /** The counts that are estimates, because the provider never gave them. */
  readonly estimated?: readonly TokenType[]
  /**
   * The counts that nobody knows, because the response was cut off before the provider gave them
   * and the meter makes no estimates (`onInterrupted: 'partial-only'`): they are 0 in `tokens`, and
   * were not 0.
   */
  readonly unknown?: readonly TokenType[]
}

/** Whether usage without tokens still bills something else, or tells the ledger what is not known. */
export function hasOtherUsage(details: UsageDetails): boolean {
  const { providerCostUsd, upstreamCostUsd, unknown } = details
  return (
    quantities.some((name) => Boolean(details[name])) ||
    Boolean(providerCostUsd || upstreamCostUsd || unknown)
  )
}
