import { currentScope, runInScope } from './request-scope.ts'

const settling = new Set<string | symbol>(['then', 'catch', 'finally'])

/**
 * True for a promise, also for one that sends its request as soon as its `then` is looked at: that
 * is asked last.
 */
export function isThirdPartyPromise(answer: unknown): answer is PromiseLike<unknown> {
  if (answer instanceof Promise) return true
  const { withResponse } = (answer ?? {}) as { withResponse?: unknown }
  if (typeof withResponse === 'function') return true
  return typeof (answer as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

/**
 * Observes the promise of a wrapper or a mock that stands in for the SDK. A plain one is derived
 * from at once. One that has ways of its own keeps them, and is asked for nothing before the caller
 * asks: it may send its request only then, which belongs to the scope it was made in.
 */
export function observeThirdParty(
  answer: PromiseLike<unknown>,
  observe: (data: unknown) => unknown,
): PromiseLike<unknown> {
  const plain = derivedFromPlain(answer, observe)
  if (plain !== undefined) return plain
  const scope = currentScope()
  const inScope = (work: () => unknown): unknown =>
    scope === undefined ? work() : runInScope(scope, work)
  let derived: PromiseLike<unknown> | undefined
  const observed = () => (derived ??= inScope(() => answer.then(observe)) as PromiseLike<unknown>)

  return new Proxy(answer, {
    get(target, property) {
      const owner = settling.has(property) ? observed() : target
      const value = inScope(() => Reflect.get(owner, property, owner))
      if (typeof value !== 'function' || property === 'constructor') return value
      return (...args: unknown[]) => inScope(() => Reflect.apply(value, owner, args))
    },
  })
}

function derivedFromPlain(
  answer: PromiseLike<unknown>,
  observe: (data: unknown) => unknown,
): Promise<unknown> | undefined {
  if (Object.getPrototypeOf(answer) !== Promise.prototype) return undefined
  if (Reflect.ownKeys(answer).length > 0) return undefined
  try {
    return Promise.prototype.then.call(answer, observe)
  } catch {
    // A proxy around one.
    return undefined
  }
}
