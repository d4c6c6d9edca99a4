import { type Provider, sendingObservation } from '@token-meter/core/adapter'
import { ollamaWire } from '../wire/protocol.ts'
import { isOllamaClient, observedClient, type OllamaClient } from './ollama-client.ts'

/** Meters the clients of `ollama`, for `createMeter({ providers: [ollamaProvider] })`. */
export const ollamaProvider: Provider<OllamaClient> = {
  name: 'ollama',
  clientDescription: 'an Ollama client (ollama 0.5 or 0.6)',
  protocols: [ollamaWire],
  recognises: isOllamaClient,
  observe(client, observer, { provider }) {
    return observedClient(client, sendingObservation(observer, ollamaWire, provider))
  },
}
