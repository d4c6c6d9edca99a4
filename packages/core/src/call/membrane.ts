import { inspectAsRaw } from './inspect-as-raw.ts'
import type { CurrentCall } from './observe-call.ts'

/** What a provider tells the membrane about its client. Property names, not classes: an application can hold two copies of an SDK. */
export interface MembraneShape {
  /** Properties that hold resources, at any depth. What is not named stays raw: unmetered, never broken. */
  readonly resources: ReadonlySet<string>
  /** Client methods that every request goes through, such as `post`; the first is on the SDK's base class. */
  readonly chokePoints: readonly [string, ...string[]]
  /** Client methods that answer another client, to be metered alike. */
  readonly clones: ReadonlySet<string>
  /**
   * A request at a choke point. Runs the original, on the original client, and answers what the
   * caller gets.
   */
  request(client: object, method: string, original: Method, args: unknown[]): unknown
  /** A resource method that is not the SDK's own (a mock, another wrapper); see `foreign`. */
  leaf(path: string, args: unknown[]): CurrentCall | undefined
  /** Observes what such a method answered when it did not go through a choke point. */
  foreign(answer: unknown, current: CurrentCall): unknown
  /** Meters a client that a clone method answered. */
  clone(client: object): object
}

// `Reflect.apply` is how all of these are called.
export type Method = (...args: unknown[]) => unknown

/**
 * Wraps a client so that its resources see the wrapped client as their own `_client`: whatever
 * helper the caller uses, now or in a later SDK version, its requests pass the choke points.
 * Methods of the SDK run with their own `this`, because its classes have private fields.
 */
export function membrane<Client extends object>(client: Client, shape: MembraneShape): Client {
  const wrapped = new WeakMap<object, unknown>()
  const base = prototypeOwning(client, shape.chokePoints[0])
  const chokePoints = new Set(shape.chokePoints)
  let requests = 0
  inspectAsRaw(client)

  const cached = <Value extends object>(original: Value, wrap: () => unknown): Value => {
    if (!wrapped.has(original)) wrapped.set(original, wrap())
    return wrapped.get(original) as Value
  }

  const proxy: Client = new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof property === 'symbol') return value
      if (typeof value === 'object' && value !== null && shape.resources.has(property)) {
        return resource(value, property)
      }
      if (typeof value !== 'function' || property === 'constructor') return value
      if (chokePoints.has(property)) {
        return cached(value, () =>
          appliedWith(value, (_, args) => {
            requests++
            return shape.request(target, property, value as Method, args)
          }),
        )
      }
      if (shape.clones.has(property)) {
        return cached(value, () =>
          appliedWith(value, (_, args) =>
            shape.clone(Reflect.apply(value as Method, target, args) as object),
          ),
        )
      }
      // What was set on the client itself (fetch, a logger, a spy) is the caller's: he gets it back.
      if (Object.hasOwn(target, property)) return value
      return cached(value, () =>
        belongsToSdk(property, value as Method) ? value.bind(target) : value,
      )
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  })

  function resource(target: object, path: string): object {
    return cached(target, () => {
      inspectAsRaw(target)
      const observed: object = new Proxy(target, {
        get(_, property) {
          if (property === '_client') return proxy
          const value: unknown = Reflect.get(target, property, observed)
          if (typeof property === 'symbol') return value
          if (typeof value === 'object' && value !== null && shape.resources.has(property)) {
            return resource(value, `${path}.${property}`)
          }
          if (typeof value !== 'function' || isPrototypeMethod(target, property, value))
            return value
          return cached(value, () => foreignMethod(`${path}.${property}`, value as Method))
        },
        set: (_, property, value) => Reflect.set(target, property, value, target),
      })
      return observed
    })
  }

  /** A function that is not the SDK's own, which somebody put on the resource: metered by its answer unless it comes by a choke point. */
  function foreignMethod(path: string, method: Method): unknown {
    return appliedWith(method, (self, args) => {
      const before = requests
      const answer: unknown = Reflect.apply(method, self, args)
      if (requests !== before) return answer
      const current = shape.leaf(path, args)
      return current === undefined ? answer : shape.foreign(answer, current)
    })
  }

  /**
   * The SDK's methods touch private fields, which a proxy has none of. A method that an
   * application added in a subclass is run on the metered client instead, so that the calls it
   * makes are metered, unless it has private fields of its own.
   */
  function belongsToSdk(property: string, method: Method): boolean {
    if (base === undefined || property in base) return true
    return /\.#|__classPrivateField/.test(Function.prototype.toString.call(method))
  }

  return proxy
}

function isPrototypeMethod(target: object, property: string, value: unknown): boolean {
  const prototype = Object.getPrototypeOf(target) as Record<string, unknown> | null
  return prototype?.[property] === value
}

/** A stand-in that has the method's name, properties and identity in every respect but `===`. */
function appliedWith(method: object, apply: (self: unknown, args: unknown[]) => unknown): unknown {
  return new Proxy(method as Method, { apply: (_, self, args) => apply(self, args) })
}

function prototypeOwning(client: object, method: string): object | undefined {
  let owner: object | undefined
  for (let next: object | null = client; next !== null; next = Object.getPrototypeOf(next)) {
    if (Object.hasOwn(next, method) && next !== client) owner = next
  }
  return owner
}
