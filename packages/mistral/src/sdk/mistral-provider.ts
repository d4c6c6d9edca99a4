import { observeFetch, type Provider } from '@token-meter/core/adapter'
import { mistralWire } from '../wire/protocol.ts'
import {
  isMistralClient,
  isSdkObject,
  type MistralClient,
  observedClient,
} from './mistral-client.ts'
import {
  isMistralRealtime,
  type MistralRealtime,
  observedRealtime,
} from './realtime-transcription.ts'

/** Meters the clients of `@mistralai/mistralai`, for `createMeter({ providers: [mistralProvider] })`. */
export const mistralProvider: Provider<MistralClient | MistralRealtime> = {
  name: 'mistral',
  clientDescription: 'a Mistral client (@mistralai/mistralai 1 or 2) or its RealtimeTranscription',
  protocols: [mistralWire],
  recognises: (client) => isMistralClient(client) || isMistralRealtime(client),
  observe(client, observer, options) {
    const told = new Set<string>()
    const fault = (what: string): void => {
      if (!told.has(what)) observer.fault(what)
      told.add(what)
    }
    const { provider } = options
    if (isMistralRealtime(client)) {
      return observedRealtime(client, { observer, provider, fault })
    }
    if (!isSdkObject(client)) return client
    const own = provider === undefined ? {} : { provider }
    const observation = { observer, protocols: [mistralWire], ...own }
    return observedClient(client, { observe: (send) => observeFetch(send, observation), fault })
  },
}
