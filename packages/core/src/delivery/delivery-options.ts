import { ConfigError } from '../errors/config-error.ts'
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
  /** Waits before a retry: full jitter from `baseMs`, doubled each time, up to `maxMs`. @default 1 s to 60 s */
  readonly backoff: Backoff
}

const defaults: DeliveryOptions = {
  lingerMs: 50,
  pollMs: 1000,
  leaseMs: 120_000,
  sendTimeoutMs: 60_000,
  backoff: { baseMs: 1000, maxMs: 60_000 },
}

/**
 * The options with their defaults.
 * @throws ConfigError for a time that is not a number of ms, or a send that outlives its lease.
 */
export function deliveryOptions(given: Partial<DeliveryOptions> = {}): DeliveryOptions {
  const options = { ...defaults, ...given, backoff: { ...defaults.backoff, ...given.backoff } }
  const times = { ...options, ...options.backoff, backoff: 0 }
  for (const [name, value] of Object.entries(times)) {
    if (!Number.isFinite(value) || value < 0) {
      throw new ConfigError(
        `delivery.${name} must be a number of ms from 0 up, got ${String(value)}`,
      )
    }
  }
  if (options.sendTimeoutMs >= options.leaseMs) {
    throw new ConfigError(
      `delivery.sendTimeoutMs (${options.sendTimeoutMs}) must be below delivery.leaseMs (${options.leaseMs}), or two workers could send one batch`,
    )
  }
  return options
}
