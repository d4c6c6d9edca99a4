import { ownValue } from './object-shape.ts'
import { currentScope, type RequestMethod, runInScope } from './request-scope.ts'

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
    const standIn = function (this: object, ...args: unknown[]): unknown {
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
      scoped === undefined ? self === client : ownValue(scoped, name) === standIn
    Object.defineProperty(client, name, { value: standIn, configurable: true, writable: true })
  }
  return true
}
