import { type CallObserver, type Provider, observeClient } from '@token-meter/core/adapter'
import { OpenAIObservation } from './openai-observation.ts'
import { type OpenAIClient, copiedClient, isOpenAIClient } from './openai-client.ts'
import { type OpenAISocket, isOpenAISocket, observeSocket, reported } from './realtime-socket.ts'
import { Connection, isGlobalSocketMetered } from './web-socket.ts'
import { openaiJobsWire } from '../wire/jobs/protocol.ts'

/**
 * Properties of the client and its resources that lead to billable calls. `webhooks` must stay
 * out: its private fields do not survive a proxy.
 */
const resources = new Set([
  'chat',
  'completions',
  'responses',
  'embeddings',
  'beta',
  'images',
  'audio',
  'transcriptions',
  'translations',
  'speech',
  'batches',
  'videos',
  'decisions',
  'threads',
  'runs',
  'evals',
  'fineTuning',
  'alpha',
  'graders',
  'jobs',
  'agents',
  'sessions',
  'events',
  'automations',
  'invocations',
  // Of the SDKs of the same generator.
  'rerank',
  'codeInterpreter',
  'search',
  'async',
  'contextualizedEmbeddings',
])

/**
 * Meters the clients and sockets of the `openai` package, for
 * `createMeter({ providers: [openaiProvider] })`.
 */
export const openaiProvider: Provider<OpenAIClient | OpenAISocket> = {
  name: 'openai',
  clientDescription:
    'an OpenAI client or one of its sockets (openai 5, 6 or 7), or a client of groq-sdk, together-ai, ' +
    '@cerebras/cerebras_cloud_sdk or @perplexity-ai/perplexity_ai',
  protocols: [openaiJobsWire],
  recognises: (client) => isOpenAIClient(client) || isOpenAISocket(client),
  observe(client, observer, options) {
    if (client instanceof Connection) {
      client.observe(observer, options)
      return client
    }
    if (!isOpenAIClient(client)) {
      observeSocket(client, observer, options)
      return client
    }
    return observeClient(client, {
      observation: new OpenAIObservation(observer, options),
      resources,
      source: copiedClient(client),
      clone: (clone: OpenAIClient) => openaiProvider.observe(clone, observer, options),
      asked: (method, args) => watchForSocket(observer, method, args),
    })
  },
}

/**
 * Headers for `GET /responses` are what a tool asks for that opens a socket of its own with the client's
 * key, as the OpenAI Agents SDK does: https://openai.github.io/openai-agents-js/guides/models/
 */
function watchForSocket(observer: CallObserver, method: string, [request]: unknown[]): void {
  if (method !== 'authHeaders' || isGlobalSocketMetered()) return
  const { path, method: verb } = (request ?? {}) as { path?: unknown; method?: unknown }
  if (typeof path !== 'string' || !/\/responses\/*$/.test(path) || verb !== 'get') return
  if (reported.isNews(openedElsewhere)) observer.fault(openedElsewhere)
}

const openedElsewhere =
  'a socket for the Responses API is opened with the key of a metered client (the websocket transport of ' +
  'the OpenAI Agents SDK does that), and what goes over it is not metered: before the first run, set ' +
  'globalThis.WebSocket = meterWebSocket(customer) of @token-meter/openai, or use the http transport'
