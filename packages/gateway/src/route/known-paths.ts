/**
 * What the paths of each API are for, as the gateway treats them:
 *
 * - `inference`: it costs something, which the meter reads;
 * - `free`: it bills nothing, and what it names belongs to whoever made it;
 * - `forbidden`: it shows or changes what others have (lists, the organisation), or hands out keys with
 *   which somebody could call past the gateway;
 * - `unknown`: everything else.
 *
 * The first row that fits stands. Trailing slashes are not looked at; what is passed on keeps them.
 */
import type { Dialect } from '../upstream.ts'

export type PathKind = 'inference' | 'free' | 'forbidden' | 'unknown'

/** What a path is for. */
export interface KnownPath {
  readonly kind: PathKind
  /** Its body may be a file of any size: it is streamed through, and not looked at. */
  readonly isUpload: boolean
  /** The model that the path names. */
  readonly model: string | undefined
}

type Row = readonly [methods: string, path: RegExp, kind: PathKind, isUpload?: 'upload']

/** Behind version and deployment. */
const openai: readonly Row[] = [
  [
    'POST',
    /^\/(?:chat\/completions|completions|embeddings|responses(?:\/compact)?|messages|decisions|rerank|search)$/,
    'inference',
  ],
  ['POST', /^\/images\/(?:generations|edits|variations)$/, 'inference'],
  ['POST', /^\/audio\/(?:transcriptions|translations|speech)$/, 'inference'],
  ['POST', /^\/(?:batches|fine_tuning\/alpha\/graders\/run)$/, 'inference'],
  ['POST', /^\/videos(?:\/edits|\/extensions|\/[^/]+\/remix)?$/, 'inference'],
  ['POST', /^\/(?:multimodal|contextualized)embeddings$/, 'inference'],
  ['POST', /^\/async\/chat\/completions$/, 'inference'],
  ['POST', /^\/threads\/(?:[^/]+\/)?runs$/, 'inference'],
  ['POST', /^\/evals\/[^/]+\/runs$/, 'inference'],
  ['GET', /^\/models(?:\/.+)?$/, 'free'],
  ['POST', /^\/(?:moderations|responses\/input_tokens|messages\/count_tokens)$/, 'free'],
  ['POST', /^\/files$/, 'free', 'upload'],
  ['POST', /^\/uploads\/[^/]+\/parts$/, 'free', 'upload'],
  ['POST', /^\/uploads(?:\/[^/]+\/(?:complete|cancel))?$/, 'free'],
  ['GET DELETE', /^\/files\/[^/]+$/, 'free'],
  ['GET', /^\/files\/[^/]+\/content$/, 'free'],
  ['GET', /^\/(?:batches|async\/chat\/completions)\/[^/]+$/, 'free'],
  ['POST', /^\/batches\/[^/]+\/cancel$/, 'free'],
  ['GET DELETE', /^\/responses\/[^/]+$/, 'free'],
  ['POST', /^\/responses\/[^/]+\/cancel$/, 'free'],
  ['GET', /^\/responses\/[^/]+\/input_items$/, 'free'],
  ['POST', /^\/conversations$/, 'free'],
  ['GET POST DELETE', /^\/conversations\/[^/]+$/, 'free'],
  ['GET POST', /^\/conversations\/[^/]+\/items$/, 'free'],
  ['GET DELETE', /^\/conversations\/[^/]+\/items\/[^/]+$/, 'free'],
  ['GET POST DELETE', /^\/chat\/completions\/[^/]+$/, 'free'],
  ['GET', /^\/chat\/completions\/[^/]+\/messages$/, 'free'],
  ['GET POST', /^\/threads\/[^/]+\/runs\/[^/]+$/, 'free'],
  ['POST', /^\/threads\/[^/]+\/runs\/[^/]+\/(?:cancel|submit_tool_outputs)$/, 'free'],
  ['GET', /^\/threads\/[^/]+\/runs(?:\/[^/]+\/steps(?:\/[^/]+)?)?$/, 'free'],
  ['GET POST', /^\/threads\/[^/]+\/messages$/, 'free'],
  ['GET POST DELETE', /^\/threads\/[^/]+\/messages\/[^/]+$/, 'free'],
  ['POST', /^\/(?:threads|assistants|evals)$/, 'free'],
  ['GET POST DELETE', /^\/(?:threads|assistants|evals)\/[^/]+$/, 'free'],
  ['GET POST DELETE', /^\/evals\/[^/]+\/runs\/[^/]+$/, 'free'],
  ['GET', /^\/evals\/[^/]+\/runs\/[^/]+\/output_items(?:\/[^/]+)?$/, 'free'],
  ['GET DELETE', /^\/videos\/[^/]+$/, 'free'],
  ['GET', /^\/videos\/[^/]+\/content$/, 'free'],
  // Keys of their own, with which a browser calls past the gateway.
  [
    '*',
    /^\/realtime\/(?:client_secrets|sessions|transcription_sessions|calls)(?:\/|$)/,
    'forbidden',
  ],
  ['*', /^\/chatkit\/sessions(?:\/|$)/, 'forbidden'],
  ['*', /^\/(?:organizations?|dashboard|usage|billing)(?:\/|$)/, 'forbidden'],
  [
    'GET',
    /^\/(?:files|batches|uploads|responses|conversations|chat\/completions|videos|assistants|threads|vector_stores|containers|evals|fine_tuning\/jobs|async\/chat\/completions|chatkit\/threads|skills)$/,
    'forbidden',
  ],
]

const anthropic: readonly Row[] = [
  ['POST', /^\/v1\/(?:messages|complete|messages\/batches)$/, 'inference'],
  ['POST', /^\/v1\/messages\/count_tokens$/, 'free'],
  ['GET', /^\/v1\/models(?:\/[^/]+)?$/, 'free'],
  ['GET DELETE', /^\/v1\/messages\/batches\/[^/]+$/, 'free'],
  ['POST', /^\/v1\/messages\/batches\/[^/]+\/cancel$/, 'free'],
  ['GET', /^\/v1\/messages\/batches\/[^/]+\/results$/, 'free'],
  ['POST', /^\/v1\/files$/, 'free', 'upload'],
  ['GET DELETE', /^\/v1\/files\/[^/]+$/, 'free'],
  ['GET', /^\/v1\/files\/[^/]+\/content$/, 'free'],
  ['*', /^\/v1\/organizations(?:\/|$)/, 'forbidden'],
  [
    'GET',
    /^\/v1\/(?:messages\/batches|files|skills|agents|sessions|environments|deployments|vaults|memory_stores)$/,
    'forbidden',
  ],
  // Of OpenAI's API, as Anthropic serves it.
  ['POST', /^\/v1\/chat\/completions$/, 'inference'],
]

/** Behind version, project and location. */
const gemini: readonly Row[] = [
  [
    'POST',
    /^(?:\/publishers\/[^/]+)?\/(?:models|tunedModels|endpoints|dynamic)\/[^/:]+:(?:generateContent|streamGenerateContent|embedContent|batchEmbedContents|predict|predictLongRunning|batchGenerateContent|asyncBatchEmbedContent)$/,
    'inference',
  ],
  ['POST', /^\/interactions$/, 'inference'],
  ['POST', /:(?:countTokens|computeTokens|fetchPredictOperation)$/, 'free'],
  ['GET', /^\/(?:publishers\/[^/]+\/)?models(?:\/[^/]+)?$/, 'free'],
  ['POST PUT', /^\/files$/, 'free', 'upload'],
  ['GET DELETE', /^\/files\/[^/:]+$/, 'free'],
  ['GET', /^\/files\/[^/:]+:download$/, 'free'],
  ['POST', /^\/cachedContents$/, 'free'],
  ['GET PATCH DELETE', /^\/cachedContents\/[^/:]+$/, 'free'],
  ['GET DELETE', /^\/batches\/[^/:]+$/, 'free'],
  ['POST', /^\/batches\/[^/:]+:(?:cancel|delete)$/, 'free'],
  ['GET DELETE', /^\/interactions\/[^/:]+$/, 'free'],
  ['POST', /^\/interactions\/[^/:]+[/:]cancel$/, 'free'],
  ['GET', /^\/(?:publishers\/[^/]+\/)?models\/[^/]+\/operations\/[^/:]+$/, 'free'],
  ['*', /^\/auth_?tokens(?:\/|$)/i, 'forbidden'],
  [
    'GET',
    /^\/(?:files|cachedContents|batches|interactions|tunedModels|corpora|fileSearchStores|operations|tuningJobs|batchPredictionJobs|endpoints)$/,
    'forbidden',
  ],
]

/** What is sent with files, or may be. Everything else that is read is JSON. */
const forms =
  /\/(?:images\/(?:generations|edits|variations)|audio\/[^/]+|videos(?:\/.+)?|files|uploads(?:\/.+)?|skills(?:\/.+)?|containers\/[^/]+\/files)\/?$/

/** @param path also as the upstream gets it. */
export function takesForm(path: string): boolean {
  return forms.test(path)
}

const unknown: KnownPath = { kind: 'unknown', isUpload: false, model: undefined }

/** @param path below the base URL of its upstream. */
export function knownPath(dialect: Dialect, method: string, path: string): KnownPath {
  const bare = path.replace(/(?<=.)\/$/, '')
  if (dialect === 'anthropic') return found(anthropic, method, bare, undefined)
  if (dialect === 'gemini' && !/^\/v\d\w*\/openai\//.test(bare)) return inGemini(method, bare)
  return inOpenai(method, bare)
}

function inOpenai(method: string, path: string): KnownPath {
  const [, deployment] = /^(?:\/openai)?(?:\/v\d\w*)?\/deployments\/([^/]+)\//.exec(path) ?? []
  const tail = path
    .replace(/^\/openai(?=\/)/, '')
    .replace(/^\/v\d\w*(?=\/)/, '')
    .replace(/^\/openai(?=\/)/, '')
    .replace(/^\/deployments\/[^/]+(?=\/)/, '')
  return found(openai, method, tail, deployment && decoded(deployment))
}

function inGemini(method: string, path: string): KnownPath {
  const tail = path
    // Where files go to and come from: `/upload/v1beta/files`.
    .replace(/^\/(?:upload|download)(?=\/)/, '')
    .replace(/^\/v\d\w*(?=\/)/, '')
    .replace(/^\/projects\/[^/]+(?:\/locations\/[^/]+)?(?=\/)/, '')
  const [, model] =
    /^(?:\/publishers\/[^/]+)?\/(?:models|tunedModels|endpoints|dynamic)\/([^/:]+)/.exec(tail) ?? []
  return found(gemini, method, tail, model && decoded(model))
}

function found(
  rows: readonly Row[],
  method: string,
  path: string,
  model: string | undefined,
): KnownPath {
  // What is asked with HEAD is what GET would answer.
  const asked = method === 'HEAD' ? 'GET' : method
  for (const [methods, pattern, kind, upload] of rows) {
    if (methods !== '*' && !methods.split(' ').includes(asked)) continue
    if (pattern.test(path)) return { kind, isUpload: upload !== undefined, model }
  }
  return { ...unknown, model }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
