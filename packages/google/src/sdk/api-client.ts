import { asMetered, currentScope, runInScope } from '@token-meter/core/adapter'
import type { ApiClient, ApiRequest, ApiResponse } from './google-client.ts'
import type { Observation } from './google-observation.ts'
import { observeRequest, observeStreamRequest } from './observe-request.ts'

// `Reflect.apply` is how all of these are called.
export type Method = (...args: unknown[]) => unknown

/** The request methods of the SDK's API client, which everything but interactions and Live passes. */
export const chokePoints = ['request', 'requestStream'] as const

/**
 * A request at one of the choke points. Runs the original, outside of any scope.
 *
 * @returns what the SDK gets.
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
  const [request, ...rest] = args as [ApiRequest, ...unknown[]]
  const apply = (own: ApiRequest) => asMetered(() => Reflect.apply(original, api, [own, ...rest]))
  const send = (own = request): unknown =>
    scope === undefined ? apply(own) : runInScope(undefined, () => apply(own))
  // Only what somebody put in the place of the SDK's method can pass here twice with one answer.
  const isReplaced = Object.hasOwn(api, method)
  return method === 'request'
    ? observeRequest(observation, request, send as () => Promise<ApiResponse>, isReplaced)
    : observeStreamRequest(
        observation,
        request,
        send as (own?: ApiRequest) => Promise<AsyncGenerator<ApiResponse>>,
        isReplaced,
      )
}

/** The API client as a metered client's modules see it: whatever they request is observed. */
export interface ObservedApiClients {
  /** A proxy, so that it is in every other respect the client's own. */
  readonly api: ApiClient
  /** For the SDK's own functions, which show it to nobody: no proxy, because they ask it often. */
  readonly internalApi: ApiClient
}

export function observedApiClients(api: ApiClient, observation: Observation): ObservedApiClients {
  const observe = (name: 'request' | 'requestStream', original: Method, args: unknown[]) =>
    observeChokePoint(observation, api, name, original, args)
  const internal = (name: 'request' | 'requestStream') => ({
    value: (...args: unknown[]) => observe(name, api[name] as Method, args),
  })
  return {
    api: shownApiClient(api, observation, observe),
    internalApi: Object.create(api, {
      request: internal('request'),
      requestStream: internal('requestStream'),
    }) as ApiClient,
  }
}

function shownApiClient(
  api: ApiClient,
  observation: Observation,
  observe: (name: 'request' | 'requestStream', original: Method, args: unknown[]) => unknown,
): ApiClient {
  const wrapped = new WeakMap<Method, Method>()
  const cached = (original: Method, apply: (args: unknown[]) => unknown): Method => {
    let method = wrapped.get(original)
    if (method === undefined) {
      const proxy = new Proxy(original, { apply: (_, self, args: unknown[]) => apply(args) })
      method = registerWrapper(proxy, original)
      wrapped.set(original, method)
    }
    return method
  }
  let source: typeof fetch | undefined
  let observed: typeof fetch | undefined
  return new Proxy(api, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      const original = value as Method
      if (name === 'request' || name === 'requestStream') {
        return cached(original, (args) => observe(name, original, args))
      }
      if (name !== 'getFetch') return value
      return cached(original, () => {
        const own = Reflect.apply(original, api, []) as typeof fetch | undefined
        if (observed === undefined || own !== source) {
          source = own
          observed = observation.observedFetch(own)
        }
        return observed
      })
    },
    set: (target, name, value) => Reflect.set(target, name, unwrap(value), target),
  })
}

/** Functions that a metered client shows, with the client's own that each wraps. */
const originals = new WeakMap<object, Method>()

/** Remembers which of the client's own functions an observed one wraps. */
export function registerWrapper<Observed extends Method>(
  observed: Observed,
  original: Method,
): Observed {
  originals.set(observed, original)
  return observed
}

/**
 * Of a function that the application had from the metered client, the client's own; anything else as
 * it is. It is what is written to the client, where a spy for example puts back what it found.
 */
export function unwrap(value: unknown): unknown {
  return typeof value === 'function' ? (originals.get(value) ?? value) : value
}
