import type { UsageRecord } from '../usage/usage-record.ts'

const marker = Symbol.for('token-meter.error')

/**
 * The base of every error this project throws or reports. `code` says which; the message says what
 * happened, to what, and what to do next. No message holds a key or any text of a conversation.
 */
export abstract class TokenMeterError extends Error {
  /** Stable, for programs: `config`, `outbox`, `usage`, `delivery`, `flush`, ... */
  abstract readonly code: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    Object.defineProperty(this, marker, { value: true })
  }

  /** Like `instanceof`, and also true for errors of another copy of this package. */
  static isInstance(value: unknown): value is TokenMeterError {
    return typeof value === 'object' && value !== null && marker in value
  }
}

/** An option is wrong or something that the options need is missing. Thrown at construction. */
export class ConfigError extends TokenMeterError {
  override readonly name = 'ConfigError'
  readonly code = 'config'
}

/**
 * A call had no customer. Thrown into the call, before it is sent, only where the meter was made
 * with `onMissingCustomer: 'throw'`; otherwise reported, and the usage is kept unattributed.
 */
export class MissingCustomerError extends TokenMeterError {
  override readonly name = 'MissingCustomerError'
  readonly code = 'missing-customer'
}

/**
 * A provider's usage was missing or odd. Reported, never thrown: the record was kept all the same,
 * with the raw usage in it.
 */
export class UsageError extends TokenMeterError {
  override readonly name = 'UsageError'
  readonly code = 'usage'
}

/**
 * The meter itself could not observe something: an unknown shape of client or response, a customer
 * or attributes function that threw. Reported, never thrown into the call.
 */
export class ObserverError extends TokenMeterError {
  override readonly name = 'ObserverError'
  readonly code = 'observer'
}

/** Usage has no cost, because no price of it is known. The record was kept all the same. */
export class CostError extends TokenMeterError {
  override readonly name = 'CostError'
  readonly code = 'cost'
}

/**
 * The outbox cannot be opened, read or written. When it was thrown by `append`, `records` holds
 * everything that was not kept, so that no usage is lost with it.
 */
export class OutboxError extends TokenMeterError {
  override readonly name = 'OutboxError'
  readonly code = 'outbox'
  readonly records: readonly UsageRecord[]

  constructor(message: string, options: ErrorOptions & { records?: readonly UsageRecord[] } = {}) {
    super(message, options)
    this.records = options.records ?? []
  }
}

/**
 * Usage came under an id that the outbox has already for other usage. What was there first stands,
 * and is all that is billed; what came after it was not kept, and is whole in `records`.
 */
export class DuplicateIdError extends TokenMeterError {
  override readonly name = 'DuplicateIdError'
  readonly code = 'duplicate-id'
  /** The usage that was not kept. */
  readonly records: readonly UsageRecord[]
  /** What the outbox has under the same ids, in the same order. */
  readonly kept: readonly UsageRecord[]

  constructor(
    message: string,
    options: { readonly records: readonly UsageRecord[]; readonly kept: readonly UsageRecord[] },
  ) {
    super(message)
    this.records = options.records
    this.kept = options.kept
  }
}

/**
 * A sink failed or refused. Reported, never thrown: the records are in the outbox, for as long as
 * that lasts.
 */
export class DeliveryError extends TokenMeterError {
  override readonly name = 'DeliveryError'
  readonly code = 'delivery'
  readonly sink: string
  /** The record that became a dead letter; empty where the sink failed otherwise. */
  readonly records: readonly UsageRecord[]
  /**
   * The backend takes nothing at all: since when, in ms since the epoch, and why. Absent for any other
   * fault.
   */
  readonly failing: { readonly since: number; readonly reason: string } | undefined

  constructor(
    message: string,
    options: ErrorOptions & {
      sink: string
      records?: readonly UsageRecord[]
      failing?: { readonly since: number; readonly reason: string }
    },
  ) {
    super(message, options)
    this.sink = options.sink
    this.records = options.records ?? []
    this.failing = options.failing
  }
}

export interface FlushErrorOptions extends ErrorOptions {
  readonly pending: Readonly<Record<string, number>>
  readonly dead?: Readonly<Record<string, number>>
  readonly unattributed?: Readonly<Record<string, number>>
  readonly held?: Readonly<Record<string, number>>
  readonly records?: readonly UsageRecord[]
}

/**
 * `flush()` or `close()` ran out of time: `pending` says how many records each sink still lacks. Of a
 * `close()` that ends an outbox in memory it says all that is lost with it.
 */
export class FlushError extends TokenMeterError {
  override readonly name = 'FlushError'
  readonly code = 'flush'
  /** Records not yet settled, by sink. They stay in the outbox, unless that is closed for good. */
  readonly pending: Readonly<Record<string, number>>
  /** Dead letters that are lost with an outbox in memory, by sink. */
  readonly dead: Readonly<Record<string, number>>
  /** Records that nobody was billed for and that are lost with an outbox in memory, by sink. */
  readonly unattributed: Readonly<Record<string, number>>
  /** Records that were held back and are lost with an outbox in memory, by sink. */
  readonly held: Readonly<Record<string, number>>
  /** The records themselves, where the process may end before they are delivered and nothing keeps them. */
  readonly records: readonly UsageRecord[]

  constructor(message: string, options: FlushErrorOptions) {
    super(message, options)
    this.pending = options.pending
    this.dead = options.dead ?? {}
    this.unattributed = options.unattributed ?? {}
    this.held = options.held ?? {}
    this.records = options.records ?? []
  }
}

/**
 * Usage is held back from a sink until somebody says what is to become of it: test usage from a live
 * sink, or what came before a sink that may be another one under a new name. Reported once, never
 * thrown: the records are safe in the outbox, and counted in `stats()` as `held`.
 */
export class HeldUsageError extends TokenMeterError {
  override readonly name = 'HeldUsageError'
  readonly code = 'held'
  readonly sink: string
  /** Records held when it was told. */
  readonly held: number
  /** Why. */
  readonly reason: 'test-usage' | 'new-sink-name' | 'renamed'

  constructor(
    message: string,
    options: {
      readonly sink: string
      readonly held: number
      readonly reason: HeldUsageError['reason']
    },
  ) {
    super(message)
    this.sink = options.sink
    this.held = options.held
    this.reason = options.reason
  }
}

/** What was thrown, as text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
