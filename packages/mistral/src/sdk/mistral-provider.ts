import { observeFetch, type Provider } from '@token-meter/core/adapter'
import { mistralWire } from '../wire/protocol.ts'
import {
  isMistralClient,
  isSdkObject,
  type MistralClient,
  observedSdkObject,
} from './mistral-client.ts'

/** Meters the clients of `@mistralai/mistralai`, for `createMeter({ providers: [mistralProvider] })`. */
export const mistralProvider: Provider<MistralClient> = {
  name: 'mistral',
  clientDescription: 'a Mistral client (@mistralai/mistralai 1 or 2)',
  protocols: [mistralWire],
  recognises: isMistralClient,
  observe(client, observer, { provider }) {
    if (!isSdkObject(client)) return client
    const own = provider === undefined ? {} : { provider }
    const observation = { observer, protocols: [mistralWire], ...own }
    return observedSdkObject(client, (send) => observeFetch(send, observation))
  },
}
