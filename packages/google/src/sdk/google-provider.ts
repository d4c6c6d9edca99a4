import type { Provider } from '@token-meter/core/adapter'
import { clientView } from './client-view.ts'
import { apiClientOf, type GoogleClient, isGoogleClient } from './google-client.ts'
import { Observation } from './google-observation.ts'
import { googleWire } from '../wire/protocol.ts'

/** Meters the clients of `@google/genai`, for `createMeter({ providers: [googleProvider] })`. */
export const googleProvider: Provider<GoogleClient> = {
  name: 'google',
  clientDescription: 'a Google client (@google/genai 1, 2 or 3)',
  protocols: [googleWire],
  recognises: isGoogleClient,
  observe: (client, observer, options) =>
    clientView(client, new Observation(observer, options, apiClientOf(client))),
}
