import { type Provider, sendingObservation } from '@token-meter/core/adapter'
import { cohereWire } from '../wire/protocol.ts'
import {
  type CohereClient,
  isCohereClient,
  observedClient,
  sendingClient,
} from './cohere-client.ts'

/** Meters the clients of `cohere-ai`, for `createMeter({ providers: [cohereProvider] })`. */
export const cohereProvider: Provider<CohereClient> = {
  name: 'cohere',
  clientDescription: 'a Cohere client (cohere-ai 7.20 or newer, or 8)',
  protocols: [cohereWire],
  recognises: isCohereClient,
  observe(client, observer, { provider }) {
    sendingClient(client)
    return observedClient(client, sendingObservation(observer, cohereWire, provider))
  },
}
