import { checkAttributes } from '../call/customer.ts'
import { checkOnInterrupted } from '../call/estimate-policy.ts'
import { checkCost } from '../cost/pricing.ts'
import { checkKeys, isFunction, isOneOf, optionCheck } from '../errors/option-check.ts'
import { ConfigError } from '../errors/errors.ts'
import { checkTokenizer } from './guarded-tokenizer.ts'
import type { MeterOptions } from './meter-options.ts'

const known: Readonly<Record<keyof MeterOptions, true>> = {
  providers: true,
  outbox: true,
  sinks: true,
  livemode: true,
  cost: true,
  attributes: true,
  onMissingCustomer: true,
  onInterrupted: true,
  billLinked: true,
  tokenizer: true,
  onError: true,
  delivery: true,
  waitUntil: true,
  awaitDeliveryMs: true,
  retentionMs: true,
}

const check = optionCheck('createMeter')

/** @throws ConfigError for what is wrong in the options that no other part checks. */
export function checkOptions(options: MeterOptions): void {
  checkKeys<MeterOptions>('createMeter', options, known)
  const { providers, outbox, attributes, onMissingCustomer, onInterrupted } = options
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
  const ways = isOneOf('record', 'throw', undefined)
  check('onMissingCustomer', onMissingCustomer, '"record" or "throw"', ways)
  checkOnInterrupted(onInterrupted)
  check('billLinked', options.billLinked ?? true, 'true or false', isOneOf(true, false))
  check('livemode', options.livemode ?? true, 'true or false', isOneOf(true, false))
  checkTokenizer(options.tokenizer)
  checkCost(options.cost)
  check('onError', options.onError ?? isFunction, 'a function', isFunction)
}
