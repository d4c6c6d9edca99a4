import { ConfigError } from '../errors/errors.ts'
import { checkKeys, isFiniteDuration, optionCheck } from '../errors/option-check.ts'
import type { Backoff } from './backoff.ts'

/** How delivery paces itself. Every default suits production. */
export interface DeliveryOptions {
  /** How long a record waits for company before it is sent, in ms. @default 50 */
  readonly lingerMs: number
  /** How often an idle delivery looks for records of other processes, in ms. @default 1000 */
  readonly pollMs: number
  /** How long a batch may take before another worker may have it, in ms. @default 120000 */
  readonly leaseMs: number
  /** How long one send may take, in ms; below `leaseMs`. @default 60000 */
  readonly sendTimeoutMs: number
  /**
   * Waits before a retry: full jitter from `baseMs`, doubled each time, up to `maxMs`. A batch of which
   * nothing was taken is first sent twice more, each after a tenth to four tenths of `baseMs`.
   * @default 1 s to 60 s
   */
  readonly backoff: Backoff
}

const defaults: DeliveryOptions = {
  lingerMs: 50,
  pollMs: 1000,
  leaseMs: 120_000,
  sendTimeoutMs: 60_000,
  backoff: { baseMs: 1000, maxMs: 60_000 },
}

const known: Readonly<Record<keyof DeliveryOptions, true>> = {
  lingerMs: true,
  pollMs: true,
  leaseMs: true,
  sendTimeoutMs: true,
  backoff: true,
}

const check = optionCheck('createMeter')

/**
 * The options with their defaults.
 * @throws ConfigError for a time that is not a number of ms, or a send that outlives its lease.
 */
export function deliveryOptions(given: Partial<DeliveryOptions> = {}): DeliveryOptions {
  checkKeys<DeliveryOptions>('delivery', given, known)
  checkKeys<Backoff>('delivery.backoff', given.backoff ?? {}, { baseMs: true, maxMs: true })
  const backoff = withDefaults(defaults.backoff, given.backoff ?? {})
  const options = { ...withDefaults(defaults, given), backoff }
  for (const [name, value] of Object.entries({ ...options, ...backoff, backoff: 0 })) {
    check(`delivery.${name}`, value, 'a number of ms from 0 up', isFiniteDuration)
  }
  if (options.sendTimeoutMs >= options.leaseMs) {
    throw new ConfigError(
      `delivery.sendTimeoutMs (${options.sendTimeoutMs}) must be below delivery.leaseMs (${options.leaseMs}), or two workers could send one batch`,
    )
  }
  return options
}

/** What is undefined stands for its default. */
function withDefaults<Options extends object>(all: Options, given: Partial<Options>): Options {
  const named = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...all, ...Object.fromEntries(named) }
}
