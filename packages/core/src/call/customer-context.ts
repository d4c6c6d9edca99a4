import { ConfigError } from '../errors/errors.ts'
import { asyncStorage } from '../lib/runtime.ts'

const storage = asyncStorage<string>('token-meter.customer-context')

/** Who `withCustomer` named for the code that is running now. */
export function contextCustomer(): string | undefined {
  return storage?.getStore()
}

/** Runs `work`, and all that it starts, with a customer for the calls that name none themselves. */
export function runWithCustomer<Result>(customer: string, work: () => Result): Result {
  if (storage === null) {
    throw new ConfigError(
      'withCustomer() needs AsyncLocalStorage, which this runtime does not have (on Cloudflare ' +
        'Workers set the nodejs_compat flag); pass the customer to meter() instead',
    )
  }
  return storage.run(customer, work)
}
