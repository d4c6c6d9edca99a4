import { type Provider, observeClient } from '@token-meter/core/adapter'
import { OpenAIObservation } from './openai-observation.ts'
import { type OpenAIClient, copiedClient, isOpenAIClient } from './openai-client.ts'
import { type OpenAISocket, isOpenAISocket, observeSocket } from './realtime-socket.ts'
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
])

/**
 * Meters the clients and sockets of the `openai` package, for
 * `createMeter({ providers: [openaiProvider] })`.
 */
export const openaiProvider: Provider<OpenAIClient | OpenAISocket> = {
  name: 'openai',
  clientDescription: 'an OpenAI client or one of its sockets (openai 5, 6 or 7)',
  protocols: [openaiJobsWire],
  recognises: (client) => isOpenAIClient(client) || isOpenAISocket(client),
  observe(client, observer, options) {
    if (!isOpenAIClient(client)) {
      observeSocket(client, observer, options)
      return client
    }
    return observeClient(client, {
      observation: new OpenAIObservation(observer, options),
      resources,
      source: copiedClient(client),
      clone: (clone: OpenAIClient) => openaiProvider.observe(clone, observer, options),
    })
  },
}
