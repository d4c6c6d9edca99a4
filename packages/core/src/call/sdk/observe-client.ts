import type { ClientObservation } from './client-observation.ts'
import { membrane } from './membrane.ts'
import { observeCall } from './observe-call.ts'

/** How a client is seen whose every request passes `post`, `get` or `request`. */
export interface ClientView<Client extends { readonly baseURL: string }> {
  readonly observation: ClientObservation<Client>
  /** Properties of the client and its resources that lead to billable calls. */
  readonly resources: ReadonlySet<string>
  /** The client inside, where the given one is a copy of its properties. */
  readonly source?: object | undefined
  /** Meters a client that `withOptions` answered. */
  clone(client: Client): Client
  /** Another method of the client is called from outside. Must not throw. */
  asked?(method: string, args: unknown[]): void
}

/** Returns a client that behaves as the given one, and whose requests are observed. */
export function observeClient<Wrapped extends Client, Client extends { readonly baseURL: string }>(
  client: Wrapped,
  { observation, resources, source, clone, asked }: ClientView<Client>,
): Wrapped {
  return membrane(client, {
    resources,
    source,
    chokePoints: ['post', 'get', 'request'],
    clones: new Set(['withOptions']),
    ownFunctions: new Set(['fetch', 'bedrockTokenProvider']),
    request: (target, method, original, args) =>
      observation.request(target as Client, method, original, args),
    replacedMethod: (path, args) => observation.replacedMethod(client, path, args),
    thirdParty: observeCall,
    fault: (what) => observation.fault(what),
    clone: (other) => clone(other as Client),
    asked,
  })
}
