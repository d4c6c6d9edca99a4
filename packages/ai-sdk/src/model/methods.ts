/** How the calls of one method of one kind of model are treated. */
export interface ModelMethod {
  /** The kind of model, as the AI SDK's providers name the function that makes it. */
  readonly kind: string
  readonly method: string
  /** The specifications that have it. */
  readonly versions: readonly ('v2' | 'v3' | 'v4')[]
  readonly metering: 'metered' | 'not metered' | 'free'
}

const all = ['v2', 'v3', 'v4'] as const
const since3 = ['v3', 'v4'] as const
const since4 = ['v4'] as const

/** Every method that sends something, of every kind of model; METHODS.md says how and why. */
export const modelMethods: readonly ModelMethod[] = [
  { kind: 'languageModel', method: 'doGenerate', versions: all, metering: 'metered' },
  { kind: 'languageModel', method: 'doStream', versions: all, metering: 'metered' },
  { kind: 'embeddingModel', method: 'doEmbed', versions: all, metering: 'metered' },
  { kind: 'imageModel', method: 'doGenerate', versions: all, metering: 'metered' },
  { kind: 'speechModel', method: 'doGenerate', versions: all, metering: 'metered' },
  { kind: 'speechModel', method: 'doStream', versions: since4, metering: 'metered' },
  { kind: 'transcriptionModel', method: 'doGenerate', versions: all, metering: 'metered' },
  {
    kind: 'transcriptionModel',
    method: 'doGenerateFromUrl',
    versions: since4,
    metering: 'metered',
  },
  { kind: 'transcriptionModel', method: 'doStream', versions: since4, metering: 'metered' },
  { kind: 'decisionModel', method: 'doDecide', versions: since4, metering: 'metered' },
  { kind: 'decisionModel', method: 'doEvaluate', versions: since4, metering: 'metered' },
  { kind: 'extractionModel', method: 'doExtract', versions: since4, metering: 'metered' },
  { kind: 'speechTranslationModel', method: 'doStream', versions: since4, metering: 'not metered' },
  { kind: 'rerankingModel', method: 'doRerank', versions: since3, metering: 'not metered' },
  { kind: 'videoModel', method: 'doGenerate', versions: since3, metering: 'not metered' },
  { kind: 'videoModel', method: 'doStart', versions: since4, metering: 'not metered' },
  { kind: 'videoModel', method: 'doStatus', versions: since4, metering: 'free' },
  {
    kind: 'realtimeModel',
    method: 'doCreateClientSecret',
    versions: since4,
    metering: 'not metered',
  },
  {
    kind: 'realtimeModel',
    method: 'doCreateWebRTCSession',
    versions: since4,
    metering: 'not metered',
  },
  { kind: 'batch', method: 'doStartBatch', versions: since4, metering: 'not metered' },
  { kind: 'batch', method: 'doGetBatchStatus', versions: since4, metering: 'free' },
  { kind: 'batch', method: 'doGetBatchResults', versions: since4, metering: 'not metered' },
  { kind: 'batch', method: 'doCancelBatch', versions: since4, metering: 'free' },
  { kind: 'batch', method: 'doListBatches', versions: since4, metering: 'free' },
]

const observed = new Set(
  modelMethods.filter(({ metering }) => metering !== 'free').map(({ method }) => method),
)

/** True for the methods whose calls cost something. */
export function isObservedMethod(property: string): boolean {
  return observed.has(property)
}

/**
 * The kind of model that a call is for. Speech, image, video and transcription models have the same
 * members, so what the call asks for tells them apart.
 */
export function kindOfCall(
  model: object,
  method: string,
  options: Readonly<Record<string, unknown>>,
): string | undefined {
  if (method === 'doGenerate' || method === 'doStream') {
    if (Array.isArray(options.prompt) || 'supportedUrls' in model) return 'languageModel'
    if (options.targetLanguage !== undefined) return 'speechTranslationModel'
    if (options.audio !== undefined) return 'transcriptionModel'
    if (options.text !== undefined) return 'speechModel'
    if (method === 'doStream') return undefined
    return 'maxVideosPerCall' in model || 'fps' in options ? 'videoModel' : 'imageModel'
  }
  return modelMethods.find((known) => known.method === method)?.kind
}
