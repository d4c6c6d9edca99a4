import { observeFetch, type Provider } from '@token-meter/core/adapter'
import { mistralWire } from '../wire/protocol.ts'
import {
  isMistralClient,
  isSdkObject,
  type MistralClient,
  observedSdkObject,
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
    if (isMistralRealtime(client)) return observedRealtime(client, observer, options)
    const { provider } = options
    if (!isSdkObject(client)) return client
    const own = provider === undefined ? {} : { provider }
    const observation = { observer, protocols: [mistralWire], ...own }
    return observedSdkObject(client, (send) => observeFetch(send, observation))
  },
}
