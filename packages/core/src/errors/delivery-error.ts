import type { UsageRecord } from '../usage/usage-record.ts'
import { TokenMeterError } from './token-meter-error.ts'

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

  constructor(
    message: string,
    options: ErrorOptions & { sink: string; records?: readonly UsageRecord[] },
  ) {
    super(message, options)
    this.sink = options.sink
    this.records = options.records ?? []
  }
}
