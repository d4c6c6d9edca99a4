import { TokenMeterError } from '@token-meter/core/outbox'
import type { Unit } from './amount.ts'

/** What stands in the way of a call or a hold. */
export interface Shortage {
  readonly customer: string
  readonly unit: Unit
  /** Decimal text of the unit. */
  readonly available: string
  /** Decimal text of the unit. */
  readonly required: string
  /** How many tokens of output the call could have at most, where that is known. */
  readonly affordableOutputTokens?: number | undefined
  /** Why the account is blocked, where it is: a code such as `payment_failed`. */
  readonly blocked?: string | undefined
}

/**
 * The customer has too little left, or the account is blocked: nothing was sent. As an HTTP answer it
 * is 402, which no SDK retries.
 */
export class InsufficientCreditsError extends TokenMeterError implements Shortage {
  override readonly name = 'InsufficientCreditsError'
  readonly code = 'insufficient_credits'
  readonly status = 402
  readonly customer: string
  readonly unit: Unit
  readonly available: string
  readonly required: string
  readonly affordableOutputTokens: number | undefined
  readonly blocked: string | undefined

  constructor(shortage: Shortage) {
    const { customer, unit, available, required, affordableOutputTokens, blocked } = shortage
    super(
      blocked === undefined
        ? `${customer} has ${available} ${unit} left, and this needs ${required}: grant credit, or ask for less`
        : `the account of ${customer} is blocked (${blocked}): nothing is held for it until it is unblocked`,
    )
    this.customer = customer
    this.unit = unit
    this.available = available
    this.required = required
    this.affordableOutputTokens = affordableOutputTokens
    this.blocked = blocked
  }
}

/** A key was used again for something else: what it stood for first stands. */
export class CreditsConflictError extends TokenMeterError {
  override readonly name = 'CreditsConflictError'
  readonly code = 'credits_conflict'
  readonly status = 409
}
