import { observeFetch, type Provider } from '@token-meter/core/adapter'
import { mistralWire } from '../wire/protocol.ts'
import {
  type HttpClient,
  isMistralClient,
  isSdkObject,
  type MistralClient,
  observedHttpClient,
  withHttpClient,
} from './mistral-client.ts'

/** Meters the clients of `@mistralai/mistralai`, for `createMeter({ providers: [mistralProvider] })`. */
export const mistralProvider: Provider<MistralClient> = {
  name: 'mistral',
  clientDescription: 'a Mistral client (@mistralai/mistralai 1 or 2)',
  recognises: isMistralClient,
  observe(client, observer, options) {
    if (!isSdkObject(client)) return client
    const inner = client._options.httpClient as HttpClient | undefined
    const { provider } = options
    const http = observedHttpClient(inner, (send) =>
      observeFetch(send, {
        observer,
        protocols: [mistralWire],
        ...(provider !== undefined && { provider }),
      }),
    )
    return withHttpClient(client, http)
  },
}
