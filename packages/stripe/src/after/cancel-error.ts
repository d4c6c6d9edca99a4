import { TokenMeterError } from '@token-meter/core/sink'

/** A bill was not cancelled, or not wholly. The ledger is unchanged: `cancelUsage` can be called again. */
export class CancelError extends TokenMeterError {
  override readonly name = 'CancelError'
  readonly code = 'cancel'
  readonly recordId: string
  /** Meter events that Stripe has taken back all the same. */
  readonly cancelledEventIds: readonly string[]
  /** Meter events that are still billed. */
  readonly billedEventIds: readonly string[]

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly recordId: string
      readonly cancelledEventIds?: readonly string[]
      readonly billedEventIds?: readonly string[]
    },
  ) {
    super(message, options)
    this.recordId = options.recordId
    this.cancelledEventIds = options.cancelledEventIds ?? []
    this.billedEventIds = options.billedEventIds ?? []
  }
}
