import { currentScope, inspectAsRaw, runInScope } from '@token-meter/core/adapter'
import type { ApiClient, ApiRequest, ApiResponse } from '../google-client.ts'
import type { Observation } from '../observation.ts'
import { observeRequest, observeStreamRequest } from '../request/observe-request.ts'
import { observedFetch } from './observed-fetch.ts'

// `Reflect.apply` is how all of these are called.
export type Method = (...args: unknown[]) => unknown

/** The request methods of the SDK's API client, which everything but interactions and Live passes. */
export const chokePoints = ['request', 'requestStream'] as const

/**
 * A request at one of the choke points. Runs the original, outside of any scope, and answers what
 * the SDK gets.
 */
export function observeChokePoint(
  observation: Observation,
  api: ApiClient,
  method: string,
  original: Method,
  args: unknown[],
): unknown {
  const scope = currentScope()
  if (scope !== undefined) scope.reached = true
  const send = () => runInScope(undefined, () => Reflect.apply(original, api, args))
  const [request] = args as [ApiRequest]
  return method === 'request'
    ? observeRequest(observation, request, send as () => Promise<ApiResponse>)
    : observeStreamRequest(observation, request, send as () => Promise<AsyncGenerator<ApiResponse>>)
}

/**
 * The API client as the metered client's modules see it: whatever they or the SDK's own loops
 * request passes here. A proxy, so that it is in every other respect the client's own.
 */
export function observedApiClient(api: ApiClient, observation: Observation): ApiClient {
  const wrapped = new WeakMap<Method, Method>()
  const cached = (original: Method, apply: (args: unknown[]) => unknown): Method => {
    let method = wrapped.get(original)
    if (method === undefined) {
      method = new Proxy(original, { apply: (_, self, args: unknown[]) => apply(args) })
      wrapped.set(original, method)
    }
    return method
  }
  inspectAsRaw(api)
  let source: typeof fetch | undefined
  let observed: typeof fetch | undefined
  return new Proxy(api, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      const original = value as Method
      if (name === 'request' || name === 'requestStream') {
        return cached(original, (args) => observeChokePoint(observation, api, name, original, args))
      }
      if (name !== 'getFetch') return value
      return cached(original, () => {
        const own = Reflect.apply(original, api, []) as typeof fetch | undefined
        if (observed === undefined || own !== source) {
          source = own
          observed = observedFetch(own, observation)
        }
        return observed
      })
    },
  })
}
