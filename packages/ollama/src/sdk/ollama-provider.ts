import { observeFetch, type Provider } from '@token-meter/core/adapter'
import { ollamaWire } from '../wire/protocol.ts'
import { isOllamaClient, observedClient, type OllamaClient } from './ollama-client.ts'

/** Meters the clients of `ollama`, for `createMeter({ providers: [ollamaProvider] })`. */
export const ollamaProvider: Provider<OllamaClient> = {
  name: 'ollama',
  clientDescription: 'an Ollama client (ollama 0.5 or 0.6)',
  protocols: [ollamaWire],
  recognises: isOllamaClient,
  observe(client, observer, { provider }) {
    const own = provider === undefined ? {} : { provider }
    const observation = { observer, protocols: [ollamaWire], ...own }
    const told = new Set<string>()
    return observedClient(client, {
      observe: (send) => observeFetch(send, observation),
      fault(what) {
        if (!told.has(what)) observer.fault(what)
        told.add(what)
      },
    })
  },
}
