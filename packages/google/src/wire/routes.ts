/** What a request asks for, as far as it costs anything. */
export type Route =
  | { readonly kind: 'generateContent' | 'embedContent' | 'predict'; readonly model: string }
  /** Starts work that is billed when an answer shows it finished. */
  | { readonly kind: 'video' | 'batch'; readonly model: string }
  | { readonly kind: 'video-again' | 'batch-again' }
  /** Downloads a file that can be the output of a batch. */
  | { readonly kind: 'file'; readonly name: string }
  /** Costs something that its answers do not tell. */
  | { readonly kind: 'unmetered'; readonly what: string }

const byMethod: Readonly<
  Record<string, 'generateContent' | 'embedContent' | 'predict' | 'video' | 'batch'>
> = {
  generateContent: 'generateContent',
  streamGenerateContent: 'generateContent',
  embedContent: 'embedContent',
  batchEmbedContents: 'embedContent',
  predict: 'predict',
  predictLongRunning: 'video',
  batchGenerateContent: 'batch',
  asyncBatchEmbedContent: 'batch',
}

/** Billed, by something that is in no answer. The words go into the report. */
const unmetered: readonly (readonly [path: RegExp, what: string])[] = [
  [/^batchPredictionJobs$/, 'batches of Vertex AI, whose answers go to your own storage,'],
  [/^cachedContents$/, 'caches, whose storage is billed by the hour,'],
  [/^(?:tuningJobs|tunedModels)$/, 'tunings'],
  [/:validateReinforcementTuningReward$/, 'tunings.validateReward'],
  [/:(?:importFile|uploadToFileSearchStore)$/, 'file search stores, whose indexing is billed,'],
]

const freeMethods = new Set(['countTokens', 'computeTokens', 'cancel', 'delete', 'register'])

/** Routes by path, of the few that are asked for again and again. */
const known = new Map<string, Route>()
const mostKnown = 1000

/**
 * The route of a request; `undefined` for what bills nothing, such as countTokens.
 *
 * @param path an address, or a path below the version, to which the SDK adds project and location of
 * Vertex later.
 */
export function routeOf(httpMethod: string, path: string): Route | undefined {
  // A query can have a key in it, which is not to be remembered.
  const end = path.indexOf('?')
  const bare = end < 0 ? path : path.slice(0, end)
  if (httpMethod !== 'POST') return readRoute(httpMethod, bare)
  const seen = known.get(bare)
  if (seen !== undefined) return seen
  const route = readRoute(httpMethod, bare)
  if (route === undefined) return undefined
  if (known.size >= mostKnown) known.clear()
  known.set(bare, route)
  return route
}

function readRoute(httpMethod: string, path: string): Route | undefined {
  const exact = exactPath(path)
  if (httpMethod === 'GET') return routeOfGet(exact)
  if (httpMethod !== 'POST') return undefined
  const [, method = ''] = /:([A-Za-z]+)$/.exec(exact) ?? []
  if (method === 'fetchPredictOperation') return { kind: 'video-again' }
  const kind = Object.hasOwn(byMethod, method) ? byMethod[method] : undefined
  if (kind !== undefined) return { kind, model: modelName(exact) }
  const place = exact.replace(/^projects\/[^/]+\/locations\/[^/]+\//, '')
  const what = unmetered.find(([pattern]) => pattern.test(place))?.[1]
  return what === undefined ? undefined : { kind: 'unmetered', what }
}

/** What stands behind host and version: `models/...`, `projects/...` */
function exactPath(path: string): string {
  const bare = path.replace(/[?#].*$/, '').replace(/^[a-z]+:\/\/[^/]+/, '')
  return bare.replace(/^(?:.*\/)?v\d\w*\//, '').replace(/^\/+/, '')
}

function routeOfGet(path: string): Route | undefined {
  if (/^batches(?:\/[^/]+)?$/.test(path)) return { kind: 'batch-again' }
  if (/^(?:models|projects|publishers)\/.*\/operations\//.test(path)) return { kind: 'video-again' }
  const file = /^(files\/[^/]+):download$/.exec(path)?.[1]
  return file === undefined ? undefined : { kind: 'file', name: file }
}

/** True for a path that is no route and bills nothing: what makes something, and what counts tokens. */
export function isWithoutBill(path: string): boolean {
  const [, method] = /:([A-Za-z]+)$/.exec(exactPath(path)) ?? []
  return method === undefined || freeMethods.has(method)
}

/** What a request to the interactions API asks for, by the path of its URL. */
export type InteractionRoute =
  | { readonly kind: 'create' }
  | { readonly kind: 'again'; readonly id: string }
  | { readonly kind: 'unmetered'; readonly what: string }

/** The route of a request to the interactions API; `undefined` for what bills nothing. */
export function interactionRouteOf(httpMethod: string, path: string): InteractionRoute | undefined {
  const exact = path.replace(/[?#].*$/, '').replace(/\/+$/, '')
  const [, id, cancel] = /\/interactions\/([^/:]+)([/:]cancel)?$/.exec(exact) ?? []
  if (httpMethod === 'POST') {
    if (exact.endsWith('/interactions')) return { kind: 'create' }
    if (id !== undefined && cancel !== undefined) return { kind: 'again', id: decoded(id) }
    if (!/\/triggers$|\/triggers\/[^/]+[/:]run$/.test(exact)) return undefined
    return { kind: 'unmetered', what: 'triggers, whose interactions run without you,' }
  }
  if (httpMethod !== 'GET' || id === undefined || cancel !== undefined) return undefined
  return { kind: 'again', id: decoded(id) }
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

/**
 * The model in a resource path, as the caller named it: `models/gemini-x:generateContent` and
 * `publishers/google/models/gemini-x` are `gemini-x`; a tuned model or endpoint keeps its path.
 */
export function modelName(path: string): string {
  return path
    .replace(/\?.*$/, '')
    .replace(/:[A-Za-z]+$/, '')
    .replace(/^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/[^/]+\/models\//, '')
    .replace(/^models\//, '')
}
