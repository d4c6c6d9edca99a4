import { observeFetch, type Provider } from '@token-meter/core/adapter'
import { cohereWire } from '../wire/protocol.ts'
import { clientView, type CohereClient, isCohereClient, sendingClient } from './cohere-client.ts'

/** Meters the clients of `cohere-ai`, for `createMeter({ providers: [cohereProvider] })`. */
export const cohereProvider: Provider<CohereClient> = {
  name: 'cohere',
  clientDescription: 'a Cohere client (cohere-ai 7.20 or newer, or 8)',
  protocols: [cohereWire],
  recognises: isCohereClient,
  observe(client, observer, { provider }) {
    sendingClient(client)
    const own = provider === undefined ? {} : { provider }
    const observation = { observer, protocols: [cohereWire], ...own }
    return clientView(client, {
      observe: (send) => observeFetch(send, observation),
      fault: (what) => observer.fault(what),
    })
  },
}
