import { currentScope, type RequestMethod, runInScope } from './request-scope.ts'

const observed = new WeakSet<object>()

/**
 * Lets the requests that a raw client makes inside a request scope be observed: own, non-enumerable
 * stand-ins for its choke points, which outside of a scope do nothing. False where the client does
 * not let itself be changed.
 */
export function observeRawRequests(client: object, chokePoints: readonly string[]): boolean {
  if (observed.has(client)) return true
  if (!Object.isExtensible(client)) return false
  for (const name of chokePoints) {
    const original = Reflect.get(client, name) as RequestMethod
    if (Object.hasOwn(client, name)) continue
    const value = function (this: unknown, ...args: unknown[]): unknown {
      const scope = currentScope()
      if (scope?.observes === undefined || this !== client)
        return Reflect.apply(original, this, args)
      const { observes } = scope
      scope.reached = true
      return runInScope(undefined, () => observes(name, original, args))
    }
    Object.defineProperty(client, name, { value, configurable: true, writable: true })
  }
  observed.add(client)
  return true
}
