import type { UsageRecord } from '../usage/usage-record.ts'
import { TokenMeterError } from './token-meter-error.ts'

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
