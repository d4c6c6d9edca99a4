import {
  canScope,
  hasPrivateFields,
  observeRawRequests,
  runInScope,
  withRefusals,
} from '@token-meter/core/adapter'
import { chokePoints, type Method, observeChokePoint, observedApiClients } from './api-client.ts'
import { apiClientOf } from './google-client.ts'
import type { Observation } from './google-observation.ts'
import { isFixed, isModule, ModuleViews, type ViewContext } from './module-view.ts'
import { hookNextGenClient, isNextGenClient } from './next-gen-client.ts'

/** Modules whose calls cost money. */
const billable = new Set(['models', 'chats', 'batches', 'live', 'interactions'])

/**
 * A client that is the given one in every respect, except that its modules make their requests
 * through an observed API client.
 *
 * What the SDK's getters make when they are first read (`interactions`, `agents`, ...) is made for
 * the view, with the observed API client, and kept by it: the raw client keeps its own.
 */
export function clientView<Client extends object>(
  client: Client,
  observation: Observation,
): Client {
  const rawApi = apiClientOf(client)
  const apis = observedApiClients(rawApi, observation)
  const context: ViewContext = { rawApi, ...apis, observation }
  const modules = new ModuleViews(context)
  const lazyValues = new Map<string, unknown>()
  const methods = new WeakMap<Method, Method>()
  const sdkClass = topClass(client)

  const view: Client = new Proxy(client, {
    get(target, name) {
      if (typeof name === 'symbol' || name === 'constructor')
        return Reflect.get(target, name, target)
      if (isLazyField(target, name)) return lazyValues.get(name)
      const getter = getterOf(target, name)
      const isPrivate = getter !== undefined && hasPrivateFields(target, sdkClass)
      const value: unknown = Reflect.get(target, name, isPrivate ? target : view)
      if (value === rawApi || isModule(value, context)) {
        if (!isFixed(target, name))
          return value === rawApi ? context.api : modules.of(value as object)
        observation.report(
          `"${name}" of a frozen client cannot be metered: meter it before it is frozen`,
        )
        return value
      }
      if (getter !== undefined && !isPrivate) return lazyModule(name, value)
      if (billable.has(name))
        observation.reportUnmetered(`calls of "${name}", which is not the SDK's,`)
      return typeof value === 'function' ? method(name, value as Method) : value
    },
    set(target, name, value: unknown) {
      if (typeof name === 'symbol' || !isLazyField(target, name)) {
        return Reflect.set(target, name, value, target)
      }
      if (name === '_nextGenClient' && isNextGenClient(value)) hookNextGenClient(value, observation)
      lazyValues.set(name, value)
      return true
    },
  })
  return view

  /** A refusal of the meter comes out of the interactions' request wrapped in errors of the SDK. */
  function lazyModule(name: string, value: unknown): unknown {
    if (name !== 'interactions' || typeof value !== 'object' || value === null) return value
    if (!('parentClient' in value)) return value
    const key = `${name} view`
    if (!lazyValues.has(key)) lazyValues.set(key, unwrapped(value))
    return lazyValues.get(key)
  }

  /**
   * A subclass's method sees the view as `this`; but one of a class with private fields, which a
   * proxy has none of, runs on the client itself, whose requests are then observed while it does.
   */
  function method(name: string, value: Method): Method {
    if (Object.hasOwn(client, name) || name in sdkClass || !hasPrivateFields(client, sdkClass))
      return value
    let observed = methods.get(value)
    if (observed === undefined) {
      observed = new Proxy(value, {
        apply: (_, self, args: unknown[]) => {
          if (self !== view) return Reflect.apply(value, self, args)
          if (!canScope || !observeRawRequests(rawApi, chokePoints)) {
            observation.report(
              'a method of a subclass runs unmetered: call the SDK on the metered client',
            )
            return Reflect.apply(value, client, args)
          }
          observation.report(
            'interactions and Live sessions inside a method of a class with private fields are not metered',
          )
          const observes = (choke: string, original: Method, request: unknown[]): unknown =>
            observeChokePoint(observation, rawApi, choke, original, request)
          return runInScope({ observes, reached: false }, () => Reflect.apply(value, client, args))
        },
      })
      methods.set(value, observed)
    }
    return observed
  }
}

/** The SDK's own class: the one beneath all that an application derived from it. */
function topClass(client: object): object {
  let top: object = client
  for (let next: object | null = client; next !== null && next !== Object.prototype;) {
    top = next
    next = Object.getPrototypeOf(next) as object | null
  }
  return top
}

/** True for the fields in which the SDK keeps what its getters made: `_interactions`, ... */
function isLazyField(client: object, name: string): boolean {
  if (!name.startsWith('_')) return false
  return name === '_nextGenClient' || getterOf(client, name.slice(1)) !== undefined
}

function getterOf(client: object, name: string): unknown {
  for (let owner: object | null = client; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(owner, name)
    if (descriptor !== undefined) return descriptor.get
  }
  return undefined
}

const refusable = new Set(['create', 'get', 'cancel'])

function unwrapped(interactions: object): object {
  const methods = new WeakMap<Method, Method>()
  return new Proxy(interactions, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || !refusable.has(String(name))) return value
      const original = value as Method
      let method = methods.get(original)
      if (method === undefined) {
        method = new Proxy(original, {
          apply: (_, self, args: unknown[]) =>
            withRefusals(
              () => Reflect.apply(original, self, args) as Promise<unknown>,
              (answer, map) => answer.then(undefined, map),
            ),
        })
        methods.set(original, method)
      }
      return method
    },
  })
}
