import type { AsyncLocalStorage } from 'node:async_hooks'
import { ConfigError } from '../errors/config-error.ts'

// One store for the whole process: a client metered by one copy of this package must see the
// customer that was named through another (an application can load both the ESM and the CJS build).
const key = Symbol.for('token-meter.customer-context')
const shared = globalThis as { [key]?: AsyncLocalStorage<string> | null }

function store(): AsyncLocalStorage<string> | null {
  if (shared[key] === undefined) {
    const hooks = globalThis.process?.getBuiltinModule?.('node:async_hooks')
    const Storage =
      hooks?.AsyncLocalStorage ??
      (globalThis as { AsyncLocalStorage?: typeof AsyncLocalStorage }).AsyncLocalStorage
    shared[key] = Storage === undefined ? null : new Storage<string>()
  }
  return shared[key] ?? null
}

/** Who `withCustomer` named for the code that is running now. */
export function contextCustomer(): string | undefined {
  return store()?.getStore()
}

/** Runs `work`, and all that it starts, with a customer for the calls that name none themselves. */
export function runWithCustomer<Result>(customer: string, work: () => Result): Result {
  const context = store()
  if (context === null) {
    throw new ConfigError(
      'withCustomer() needs AsyncLocalStorage, which this runtime does not have (on Cloudflare ' +
        'Workers set the nodejs_compat flag); pass the customer to meter() instead',
    )
  }
  return context.run(customer, work)
}
