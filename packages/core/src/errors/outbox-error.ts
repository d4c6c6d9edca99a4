import type { UsageRecord } from '../usage/usage-record.ts'
import { TokenMeterError } from './token-meter-error.ts'

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
