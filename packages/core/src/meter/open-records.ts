import type { RecordedCall } from '../call/record-sink.ts'
import type { TokenMeterError } from '../errors/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { notKeptOpen } from './unkept-usage.ts'

/** Keeps the records that streams would have if they ended now. Nobody waits for it, and nothing is thrown. */
export class OpenRecords {
  readonly #outbox: Outbox
  readonly #onError: (error: TokenMeterError) => void
  /** That it fails was told. */
  #isFailing = false

  constructor(outbox: Outbox, onError: (error: TokenMeterError) => void) {
    this.#outbox = outbox
    this.#onError = onError
  }

  /** @param records in place of those that were kept of the call before. */
  keep(call: RecordedCall, records: readonly UsageRecord[]): void {
    const ends = endsOf(call, records)
    const { holdIds } = call
    call.openIds = records.map(({ id }) => id)
    const failed = (cause: unknown): void => {
      if (this.#isFailing) return
      this.#isFailing = true
      this.#onError(notKeptOpen(this.#outbox, cause))
    }
    try {
      const kept = this.#outbox.open?.(records, { holdIds, ends })
      if (kept instanceof Promise) kept.then(() => void (this.#isFailing = false), failed)
    } catch (cause) {
      failed(cause)
    }
  }
}

/** What was kept of a call while it went on, under ids that its records do not have. */
export function endsOf(
  { openIds }: RecordedCall,
  records: readonly UsageRecord[],
): readonly string[] | undefined {
  if (openIds.length === 0) return undefined
  const ends = openIds.filter((open) => !records.some(({ id }) => id === open))
  return ends.length === 0 ? undefined : ends
}
