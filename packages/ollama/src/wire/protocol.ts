import { type Endpoint, requestBody, text, type WireProtocol } from '@token-meter/core/wire'
import { embed, embeddings, systemOne } from './embed.ts'
import { chat, generate } from './generate.ts'

const endpoints: ReadonlyMap<string, Endpoint> = new Map([
  ['api/chat', chat],
  ['api/generate', generate],
  ['api/embed', embed],
  ['api/embeddings', embeddings],
  ['v1/systemone', systemOne],
])

/** What ollama.com bills otherwise than by tokens. */
const unmetered: ReadonlyMap<string, string> = new Map([
  ['api/web_search', 'web searches'],
  ['api/web_fetch', 'web fetches'],
])

/** What asks no model: of these, some stream how far they are. */
const free = /^api\/(?:pull|push|create|copy|show|delete|blobs|me|signout)(?:\/|$)/

/**
 * Ollama's own HTTP API: https://docs.ollama.com/api. Below `/v1` it has OpenAI's and Anthropic's, which
 * are for the packages of these.
 */
export const ollamaWire: WireProtocol = {
  name: 'ollama',
  open({ method, url, body }) {
    if (method.toUpperCase() !== 'POST') return undefined
    const path = pathOf(url)
    const searches = unmetered.get(path)
    if (searches !== undefined) {
      return {
        unmetered: `Ollama's ${searches} work, but are not metered (they use no tokens): record() them`,
      }
    }
    const endpoint = endpoints.get(path)
    if (endpoint === undefined) return undefined
    const fields = requestBody(body)
    // Many applications have an `/api/chat` of their own. Ollama is always told which model.
    if (body !== undefined && text(fields.model) === undefined) return undefined
    return { endpoint, body: fields }
  },
  isFree: ({ method, url }) => method.toUpperCase() !== 'POST' || free.test(pathOf(url)),
}

/** What a URL ends in, from `api` on: an Ollama server can stand below any path. */
function pathOf(url: string): string {
  const [address = ''] = url.split(/[?#]/, 1)
  return address.replace(/\/+$/, '').replace(/^.*\/(?=api\/|v1\/)/, '')
}
