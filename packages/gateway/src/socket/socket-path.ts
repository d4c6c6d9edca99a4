/** What the paths of sockets are for. */
import { GatewayRefusal } from '../refusal.ts'
import type { Dialect } from '../upstream.ts'

/**
 * What is said over a socket.
 * - `openai`: realtime, Live or Responses.
 * - `gemini`: the Live API.
 * - `attached`: a call or a session that somebody has begun elsewhere, and that need not be the caller's.
 * - `forbidden`: by a key that a provider gave out past the gateway.
 * - `unknown`: everything else, and what reports no usage.
 */
export type SocketKind = 'openai' | 'gemini' | 'attached' | 'forbidden' | 'unknown'

export interface SocketPath {
  readonly kind: SocketKind
  /** The model that the URL names; others are named by messages. */
  readonly model: string | undefined
  /** Which model it is has to be known from the URL: no message is sure to name it. */
  readonly namesModel: boolean
}

const geminiPaths =
  /\/ws\/google\.(?:ai\.generativelanguage\.v\w+\.GenerativeService\.|cloud\.aiplatform\.v\w+\.LlmBidiService\/)BidiGenerateContent$/
const geminiByToken =
  /\/ws\/google\.ai\.generativelanguage\.v\w+\.GenerativeService\.\w+Constrained$/

/**
 * @param path as the upstream gets it.
 * @throws GatewayRefusal 400 for a URL that names several models: each server takes another.
 */
export function socketPath(dialect: Dialect, path: string, query: URLSearchParams): SocketPath {
  const bare = path.replace(/(?<=.)\/+$/, '')
  if (dialect === 'gemini') {
    const isByToken = geminiByToken.test(bare) || query.has('access_token')
    const kind = isByToken ? 'forbidden' : geminiPaths.test(bare) ? 'gemini' : 'unknown'
    return { kind, model: undefined, namesModel: kind !== 'gemini' }
  }
  const models = new Set<string>()
  for (const [name, value] of query) if (/^(?:model|deployment)$/i.test(name)) models.add(value)
  if (models.size > 1) {
    throw new GatewayRefusal(400, 'invalid_request', 'the address of the socket names two models')
  }
  const [model] = models
  const kind = dialect === 'openai' ? ofOpenai(bare, query) : 'unknown'
  return { kind, model, namesModel: kind !== 'openai' || !bare.endsWith('/responses') }
}

function ofOpenai(path: string, query: URLSearchParams): SocketKind {
  if (query.has('call_id') || /\/live\/sessions\/[^/]+\/attach$/.test(path)) return 'attached'
  // Translations work, and report no usage.
  return /\/(?:realtime|responses|live\/sessions)$/.test(path) ? 'openai' : 'unknown'
}
