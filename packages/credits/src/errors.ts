import { TokenMeterError } from '@token-meter/core/outbox'
import type { Unit } from './amount.ts'

/** What stands in the way of a call or a hold. */
export interface Shortage {
  readonly customer: string
  readonly unit: Unit
  /** What may be held of the account, or of the pool that is named. Decimal text of the unit. */
  readonly available: string
  /** What was to be held. Decimal text of the unit. */
  readonly required: string
  /**
   * How many tokens of output each answer of the call could have, with what is left after its input;
   * 0 where not even that is paid for. Absent where nobody knows: of a hold by hand, of a call that
   * makes no output, or without a price.
   */
  readonly affordableOutputTokens?: number | undefined
  /** Why the account is blocked, where it is: a code such as `payment_failed`. */
  readonly blocked?: string | undefined
  /** The pool that has too little left, where it is not the account. */
  readonly pool?: string | undefined
  /** The customer has no account: nothing was ever granted. */
  readonly isUnknown?: boolean | undefined
}

/**
 * The customer, or a pool that the call is under, has too little left, or the account is blocked:
 * nothing was sent. As an HTTP answer it is 402, which no SDK retries. Its `message` is for the developer;
 * its JSON is for end users.
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
  readonly pool: string | undefined

  constructor(shortage: Shortage) {
    super(shortageInWords(shortage))
    this.customer = shortage.customer
    this.unit = shortage.unit
    this.available = shortage.available
    this.required = shortage.required
    this.affordableOutputTokens = shortage.affordableOutputTokens
    this.blocked = shortage.blocked
    this.pool = shortage.pool
  }

  /**
   * For end users: a message that names nobody, `code`, `status`, `unit`, `available`, `required`,
   * `affordableOutputTokens` and `pool`. Not who was refused, nor why an account is blocked.
   */
  toJSON(): Readonly<Record<string, unknown>> {
    const { code, status, unit, available, required, affordableOutputTokens, pool } = this
    const message = shortageForUsers(this)
    return { message, code, status, unit, available, required, affordableOutputTokens, pool }
  }
}

function shortageForUsers({ unit, available, required, blocked, pool }: Shortage): string {
  if (blocked !== undefined) return 'This call cannot be made: the credit is not available for now'
  const shown = (amount: string) => (unit === 'usd' ? `$${amount}` : `${amount} tokens`)
  const call = `this call, which can cost up to ${shown(required)}`
  const what = pool === undefined ? 'credit' : 'limit of this period'
  const isNothing = available === '0' || available.startsWith('-')
  if (isNothing) return `Nothing is left of the ${what} for ${call}`
  return pool === undefined
    ? `The credit that is left, ${shown(available)}, does not cover ${call}`
    : `What is left of the limit of this period, ${shown(available)}, does not cover ${call}`
}

function shortageInWords(shortage: Shortage): string {
  const { customer, unit, available, required, affordableOutputTokens, blocked, pool } = shortage
  if (blocked !== undefined) {
    return `the account of ${customer} is blocked (${blocked}): ${howToUnblock(blocked)}`
  }
  if (shortage.isUnknown === true) {
    return `${customer} has no account, and this needs ${required} ${unit}: grant it credit first`
  }
  const who =
    pool === undefined
      ? `${customer} has ${available} ${unit} left`
      : `the pool "${pool}" has ${available} ${unit} left in this period`
  const remedy = pool === undefined ? 'grant credit' : 'raise its limit, wait for its next period'
  const says = `${who}, and this needs ${required}: ${remedy}`
  // Then nothing is little enough.
  if (available === '0' || available.startsWith('-')) return says
  const less =
    affordableOutputTokens !== undefined && affordableOutputTokens > 0
      ? `ask for at most ${affordableOutputTokens} tokens of output`
      : 'ask for less'
  return `${says}, or ${less}`
}

/** Why a guard does not let a call go, where it is not for want of credit. */
export type RefusalReason =
  /** No price of its model is known, so that nobody can say what to hold. */
  | 'unknown_price'
  /** Nobody was named who pays for it. */
  | 'unattributed'
  /** Its input is not all in its request, and `unbounded` is `'refuse'`. */
  | 'unbounded_input'
  /** It names a pool that `credits.pool()` has not set up in this process. */
  | 'unknown_pool'
  /** It names a pool that counts in a unit in which its customer has no account. */
  | 'pool_unit'

/**
 * A guard does not let a call go, whatever credit there is: nothing was sent. As an HTTP answer it is
 * 403, which no SDK retries. Its `message` is for the developer; its JSON is for end users.
 */
export class CallRefusedError extends TokenMeterError {
  override readonly name = 'CallRefusedError'
  readonly code = 'call_refused'
  readonly status = 403
  readonly reason: RefusalReason
  readonly customer: string | null

  constructor(
    message: string,
    options: { readonly reason: RefusalReason; readonly customer: string | null },
  ) {
    super(message)
    this.reason = options.reason
    this.customer = options.customer
  }

  /** For end users: a message that names nobody, `code`, `status` and `reason`. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { code, status, reason } = this
    return { message: 'This call cannot be made with prepaid credit', code, status, reason }
  }
}

/**
 * The store of the books cannot be asked. Refuses a call where the guard's `onStoreError` is
 * `'refuse'`: nothing was sent; as an HTTP answer it is 503. Told by the event `error` where it hurts
 * no call: one that was let go, or a hold that could not be given back yet.
 */
export class CreditsUnavailableError extends TokenMeterError {
  override readonly name = 'CreditsUnavailableError'
  readonly code = 'credits_unavailable'
  readonly status = 503

  /** For end users: a message, `code` and `status`. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { code, status } = this
    return { message: 'This call cannot be made right now: try again later', code, status }
  }
}

function howToUnblock(blocked: string): string {
  return blocked === 'restored'
    ? 'its books are a copy or were restored from a backup. Compare them with credits.reconcile(), then ' +
        'trust them with credits.reconcile({ accept: true })'
    : 'nothing is held for it until it is unblocked'
}

/** A key was used again for something else: what it stood for first stands. */
export class CreditsConflictError extends TokenMeterError {
  override readonly name = 'CreditsConflictError'
  readonly code = 'credits_conflict'
  readonly status = 409

  /** Its message, as plain data. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { name, code, status, message } = this
    return { name, code, status, message }
  }
}
