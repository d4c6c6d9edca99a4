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
