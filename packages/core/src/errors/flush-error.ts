import type { UsageRecord } from '../usage/usage-record.ts'
import { TokenMeterError } from './token-meter-error.ts'

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
