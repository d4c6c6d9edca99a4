import { type Provider, sendingObservation } from '@token-meter/core/adapter'
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
  observe(client, observer, { provider }) {
    const observation = sendingObservation(observer, mistralWire, provider)
    if (isMistralRealtime(client)) {
      return observedRealtime(client, { observer, provider, fault: observation.fault })
    }
    return isSdkObject(client) ? observedClient(client, observation) : client
  },
}
