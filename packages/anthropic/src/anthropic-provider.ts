import { membrane, observeCall, type Provider } from '@token-meter/core/adapter'
import { type AnthropicClient, isAnthropicClient } from './anthropic-client.ts'
import { AnthropicObservation } from './anthropic-observation.ts'

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
  recognises: isAnthropicClient,
  observe(client, observer, options) {
    const observation = new AnthropicObservation(observer, options)
    return membrane(client, {
      resources,
      chokePoints: ['post', 'get', 'request'],
      clones: new Set(['withOptions']),
      ownFunctions: new Set(['fetch']),
      request: (target, method, original, args) =>
        observation.request(target as AnthropicClient, method, original, args),
      leaf: (path, args) => observation.leaf(client, path, args),
      foreign: observeCall,
      fault: (what) => observer.fault(what),
      clone: (clone) => anthropicProvider.observe(clone as AnthropicClient, observer, options),
    })
  },
}
