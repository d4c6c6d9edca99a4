import { checkAttributes } from './call/customer.ts'
import { checkOnInterrupted } from './call/estimate-policy.ts'
import { checkCost } from './cost/pricing.ts'
import { ConfigError } from './errors/config-error.ts'
import { checkTokenizer } from './guarded-tokenizer.ts'
import type { MeterOptions } from './meter-options.ts'

/** @throws ConfigError for what is neither true, false nor left out. */
export function checkBillLinked(value: unknown): asserts value is boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return
  throw new ConfigError('billLinked must be true or false')
}

/** @throws ConfigError for what is wrong in the options that no other part checks. */
export function checkOptions({
  providers,
  outbox,
  attributes,
  onMissingCustomer,
  onInterrupted,
  billLinked,
  tokenizer,
  onError,
  cost,
}: MeterOptions): void {
  if (
    !Array.isArray(providers) ||
    providers.some((provider) => typeof provider?.observe !== 'function')
  ) {
    throw new ConfigError('createMeter() needs providers, such as { providers: [openaiProvider] }')
  }
  if (outbox !== undefined && typeof outbox?.append !== 'function') {
    throw new ConfigError('outbox must be an outbox, such as sqliteOutbox("usage.db")')
  }
  if (attributes !== undefined) checkAttributes(attributes)
  if (!['record', 'throw', undefined].includes(onMissingCustomer)) {
    throw new ConfigError('onMissingCustomer must be "record" or "throw"')
  }
  checkOnInterrupted(onInterrupted)
  checkBillLinked(billLinked)
  checkTokenizer(tokenizer)
  checkCost(cost)
  if (onError !== undefined && typeof onError !== 'function') {
    throw new ConfigError('onError must be a function')
  }
}
