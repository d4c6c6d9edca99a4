import { isOneOf, type OptionCheck } from '../errors/option-check.ts'

/** What becomes of the counts that the provider had not given when a response was cut off. */
export type OnInterrupted = 'estimate' | 'partial-only'

/**
 * How a call is recorded whose usage the provider did not give, or not in full, and whether one is
 * billed that the provider bills to the customer.
 */
export interface EstimatePolicy {
  readonly onInterrupted: OnInterrupted
  /** @default false */
  readonly billLinked?: boolean
  /** Counts a text for a model; never throws. Without it estimates are heuristic. */
  readonly count?: ((text: string, model: string) => number | undefined) | undefined
}

const isOnInterrupted = isOneOf(undefined, 'estimate', 'partial-only')

/**
 * `undefined` leaves it to the default.
 * @throws ConfigError for anything but the known ways.
 */
export function checkOnInterrupted(check: OptionCheck, value: unknown): void {
  check('onInterrupted', value, '"estimate" or "partial-only"', isOnInterrupted)
}
