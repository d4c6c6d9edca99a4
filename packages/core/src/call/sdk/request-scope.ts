import { asyncStorage } from '../../lib/runtime.ts'

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
