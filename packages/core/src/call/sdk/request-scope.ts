import { asyncStorage } from '../../lib/runtime.ts'
import { ownValue } from './reflection.ts'

/**
 * What a function of the application is doing while it runs on a metered client: it stands in for
 * one of the SDK's methods, or it is a method that a subclass added.
 */
export interface RequestScope {
  /** Whose requests are observed. @default the one that was made ready for it */
  readonly client?: object | undefined
  /** Observes a request that is made on the raw client itself, `self`, as subclass methods do. */
  readonly observes:
    | ((method: string, original: RequestMethod, args: unknown[], self: object) => unknown)
    | undefined
  /** A request was observed: what the function answers was metered already. */
  reached: boolean
}

export type RequestMethod = (...args: unknown[]) => unknown

const storage = asyncStorage<RequestScope | undefined>('token-meter.request-scope')

/** False where the runtime cannot follow asynchronous work. */
export const canScope = storage !== null

export function currentScope(): RequestScope | undefined {
  return storage?.getStore()
}

/** Runs a function, and all that it starts, in a scope; without one, outside any. */
export function runInScope<Result>(scope: RequestScope | undefined, work: () => Result): Result {
  return storage === null ? work() : storage.run(scope, work)
}

/**
 * Lets the requests that a raw client makes inside a request scope be observed: own, non-enumerable
 * stand-ins for its choke points, which outside of a scope do nothing. Where another tool has put a
 * proxy around the client, it is the client inside that gets them, and the SDK's own methods that
 * they stand in for. False where the client does not let itself be changed.
 */
export function observeRawRequests(client: object, chokePoints: readonly string[]): boolean {
  const base = Object.getPrototypeOf(client) as object | null
  for (const name of chokePoints) {
    if (Object.hasOwn(client, name)) continue
    if (!Object.isExtensible(client)) return false
    const original = base === null ? undefined : (Reflect.get(base, name) as unknown)
    if (typeof original !== 'function') continue
    const replacement = function (this: object, ...args: unknown[]): unknown {
      const scope = currentScope()
      if (scope?.observes === undefined || !isScopeOf(this, scope.client)) {
        return Reflect.apply(original, this, args) as unknown
      }
      const { observes } = scope
      scope.reached = true
      return runInScope(undefined, () => observes(name, original as RequestMethod, args, this))
    }
    // Not by identity: in place of the raw client, either side can hold a proxy around it.
    const isScopeOf = (self: object, scoped: object | undefined): boolean =>
      scoped === undefined ? self === client : ownValue(scoped, name) === replacement
    Object.defineProperty(client, name, { value: replacement, configurable: true, writable: true })
  }
  return true
}
