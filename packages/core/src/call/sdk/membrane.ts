import { AssignedFunctions, isFixed, prototypeOwning } from './reflection.ts'
import type { CurrentCall } from './observe-call.ts'
import {
  type RequestScope,
  canScope,
  currentScope,
  observeRawRequests,
  runInScope,
} from './request-scope.ts'
import { registerWrapper } from '../registry.ts'

/** What a provider tells the membrane about its client. Property names, not classes: an application can hold two copies of an SDK. */
export interface MembraneShape {
  /** Properties that hold resources, at any depth. What is not named stays raw: unmetered, never broken. */
  readonly resources: ReadonlySet<string>
  /**
   * The client that the requests are made on, where the given one is a copy of its properties by
   * another tool and has none of its methods.
   */
  readonly source?: object | undefined
  /** Client methods that every request goes through, such as `post`; the first is on the SDK's base class. */
  readonly chokePoints: readonly [string, ...string[]]
  /** Client methods that answer another client, to be metered alike. */
  readonly clones: ReadonlySet<string>
  /** Functions that the SDK keeps as fields of the client. They come back as they are. */
  readonly ownFunctions: ReadonlySet<string>
  /**
   * A request at a choke point. Runs the original, on the original client, and returns what the
   * caller gets.
   */
  request(client: object, method: string, original: Method, args: unknown[]): unknown
  /** A resource method that is not the SDK's own: what it would request. */
  replacedMethod(path: string, args: unknown[]): CurrentCall | undefined
  /** Observes what such a method answered when it did not go through a choke point. */
  thirdParty(answer: unknown, current: CurrentCall): unknown
  /** Meters a client that a clone method answered. */
  clone(client: object): object
  /** Another method of the SDK's client is called from outside, which sends nothing itself. */
  asked?: ((method: string, args: unknown[]) => void) | undefined
  /** Something of the client cannot be observed: its calls work, and are not metered. */
  fault(what: string): void
}

// `Reflect.apply` is how all of these are called.
export type Method = (...args: unknown[]) => unknown

/**
 * Wraps a client so that its resources see the wrapped client as their own `_client`: whatever
 * helper the caller uses, now or in a later SDK version, its requests pass the choke points.
 * Methods run with their own `this`, because classes have private fields, which a proxy has none of.
 */
export function membrane<Client extends object>(client: Client, shape: MembraneShape): Client {
  const { source = client } = shape
  const wrapped = new WeakMap<object, unknown>()
  const base = prototypeOwning(client, shape.chokePoints[0])
  const callersOwn = new AssignedFunctions(settingsOf(client))
  const chokePoints = new Set(shape.chokePoints)

  const cached = <Value extends object>(original: Value, wrap: () => unknown): Value => {
    const known = wrapped.get(original)
    if (known !== undefined) return known as Value
    const value = wrap()
    wrapped.set(original, value)
    return value as Value
  }
  const observe = (method: string, original: Method, args: unknown[], self: object): unknown => {
    const scope = currentScope()
    if (scope === undefined) return shape.request(self, method, original, args)
    scope.reached = true
    return runInScope(undefined, () => shape.request(self, method, original, args))
  }

  const proxy: Client = new Proxy(client, {
    get(target, property) {
      const value: unknown = target[property as keyof Client]
      if (typeof property === 'symbol') return value
      if (typeof value === 'object' && value !== null) {
        return isResource(property, value) ? resource(target, property, value) : value
      }
      if (typeof value !== 'function' || property === 'constructor') return value
      return isFixed(target, property) ? value : method(property, value as Method)
    },
    set: (target, property, value) => callersOwn.assign(target, property, value),
  })
  const asked = source === client ? proxy : membrane(source, { ...shape, source: undefined })
  registerWrapper(proxy, client)
  return proxy

  function method(property: string, value: Method): Method {
    if (chokePoints.has(property)) {
      return cached(value, () =>
        appliedWith(value, (_, args) => observe(property, value, args, client)),
      )
    }
    if (callersOwn.has(value)) return value
    if (shape.clones.has(property)) {
      return cached(value, () =>
        appliedWith(value, (_, args) => shape.clone(Reflect.apply(value, client, args) as object)),
      )
    }
    const isSdk = base === undefined || property in base
    // What was set on the client itself (a setting, a logger) comes back as it is.
    if (Object.hasOwn(client, property) && (isSdk || shape.ownFunctions.has(property))) return value
    return cached(value, () =>
      appliedWith(value, (_, args) => {
        if (!isSdk) return applicationMethod(value, args)
        shape.asked?.(property, args)
        return Reflect.apply(value, client, args)
      }),
    )
  }

  /** A method that an application added in a subclass: the requests it makes on itself are metered. */
  function applicationMethod(value: Method, args: unknown[]): unknown {
    if (!canScope || !observeRawRequests(client, shape.chokePoints)) {
      shape.fault('a method of a subclass runs unmetered: call the SDK on the metered client')
      return Reflect.apply(value, client, args)
    }
    const scope = { client, observes: observe, reached: false }
    return runInScope(scope, () => Reflect.apply(value, client, args))
  }

  function resource(owner: object, property: string, target: object, above = ''): object {
    return cached(target, () => {
      const path = above + property
      if (isFixed(owner, property)) {
        shape.fault(`"${path}" of a frozen client cannot be metered: meter it before it is frozen`)
        return target
      }
      const below = `${path}.`
      const observed: object = new Proxy(target, {
        get(_, name) {
          if (name === '_client') return asked
          const value: unknown = Reflect.get(target, name, observed)
          if (typeof name === 'symbol') return value
          if (typeof value === 'object' && value !== null && shape.resources.has(name)) {
            return resource(target, name, value, below)
          }
          if (typeof value !== 'function' || isPrototypeMethod(target, name, value)) return value
          if (callersOwn.has(value)) return value
          return cached(value, () => thirdPartyMethod(below + name, value as Method))
        },
        set: (_, name, value) => callersOwn.assign(target, name, value),
      })
      return observed
    })
  }

  /** By its name; or, where a subclass answers one of the SDK's resources by a name of its own, by itself. */
  function isResource(property: string, value: object): boolean {
    if (shape.resources.has(property)) return true
    if ((value as { _client?: unknown })._client !== client) return false
    return !Object.hasOwn(client, property) && resourcesBelow(client).has(value)
  }

  function resourcesBelow(owner: object, found = new Set<unknown>()): ReadonlySet<unknown> {
    for (const name of shape.resources) {
      const value: unknown = Reflect.get(owner, name)
      if (typeof value !== 'object' || value === null || found.has(value)) continue
      resourcesBelow(value, found.add(value))
    }
    return found
  }

  /**
   * A function that is not the SDK's own, which somebody put on the resource: metered by the
   * requests it makes on the raw client, or, when it makes none, by its answer.
   */
  function thirdPartyMethod(path: string, value: Method): unknown {
    return appliedWith(value, (self, args) => {
      const isObservable = canScope && observeRawRequests(source, shape.chokePoints)
      const scope = {
        ...(isObservable ? { client: source, observes: observe } : unscoped(currentScope())),
        reached: false,
      }
      const answer: unknown = runInScope(scope, () => Reflect.apply(value, self, args))
      if (scope.reached) return answer
      const current = shape.replacedMethod(path, args)
      if (current === undefined) return answer
      return runInScope(scope, () =>
        shape.thirdParty(answer, () => (scope.reached ? undefined : current())),
      )
    })
  }
}

/** What the client was made with: a fetch, a provider of tokens or credentials. */
function settingsOf(client: object): readonly unknown[] {
  const { _options: options } = client as { readonly _options?: unknown }
  return typeof options === 'object' && options !== null ? Object.values(options) : []
}

/** What a function inside another one observes, which cannot be observed by itself. */
function unscoped(outer: RequestScope | undefined): Pick<RequestScope, 'client' | 'observes'> {
  return { client: outer?.client, observes: outer?.observes }
}

function isPrototypeMethod(target: object, property: string, value: unknown): boolean {
  const prototype = Object.getPrototypeOf(target) as Record<string, unknown> | null
  return prototype?.[property] === value
}

/** A stand-in that has the method's name, properties and identity in every respect but `===`. */
function appliedWith(method: Method, apply: (self: unknown, args: unknown[]) => unknown): Method {
  return new Proxy(method, { apply: (_, self, args) => apply(self, args) })
}
