import { observeClient, type Provider } from '@token-meter/core/adapter'
import { type AnthropicClient, isAnthropicClient } from './anthropic-client.ts'
import { AnthropicObservation } from './anthropic-observation.ts'
import { anthropicWire } from '../wire/protocol.ts'

/** Properties of the client and its resources that lead to billable calls. */
const resources = new Set([
  'messages',
  'batches',
  'beta',
  'completions',
  'sessions',
  'events',
  'deployments',
  'dreams',
])

/** Meters the clients of `@anthropic-ai/sdk`, for `createMeter({ providers: [anthropicProvider] })`. */
export const anthropicProvider: Provider<AnthropicClient> = {
  name: 'anthropic',
  clientDescription: 'an Anthropic client (@anthropic-ai/sdk 0.60 to 1.x)',
  protocols: [anthropicWire],
  recognises: isAnthropicClient,
  observe(client, observer, options) {
    return observeClient(client, {
      observation: new AnthropicObservation(observer, options),
      resources,
      clone: (clone: AnthropicClient) => anthropicProvider.observe(clone, observer, options),
    })
  },
}
