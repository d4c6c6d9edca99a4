/** What is said of usage that is not where it should be. */
import type { RecordedCall } from '../call/record-sink.ts'
import { MissingCustomerError, OutboxError } from '../errors/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** Usage that its call does not wait for any more: should the process end, it is nowhere else. */
export function notYetKept(
  outbox: Outbox,
  records: readonly UsageRecord[],
  afterMs: number,
): OutboxError {
  return new OutboxError(
    `${records.length} usage record(s) are not in ${outbox.description} yet, which has not answered ` +
      `for ${afterMs} ms. They wait in memory and are kept when it answers; should this process end ` +
      'before, they are only in this error\'s "records". To record() them again bills nothing twice.',
    { records },
  )
}

/** Usage that is not kept, whatever the reason. */
export function notKept(
  outbox: Outbox,
  records: readonly UsageRecord[],
  cause: unknown,
): OutboxError {
  const reason = cause instanceof Error ? cause.message : 'unknown'
  return new OutboxError(
    `${records.length} usage record(s) could not be kept in ${outbox.description}: ${reason}. ` +
      `They are in this error's "records" and nowhere else: store them, and record() them again.`,
    { cause, records },
  )
}

/** Nothing is lost by it unless the process is killed. */
export function notKeptOpen(outbox: Outbox, cause: unknown): OutboxError {
  const reason = cause instanceof Error ? cause.message : 'unknown'
  return new OutboxError(
    `usage of streams that are under way is not kept in ${outbox.description}: ${reason}. It is recorded ` +
      'when they end; a process that is killed before loses it.',
    { cause },
  )
}

/** Usage of a call that nobody was named for. */
export function unattributed({ call }: RecordedCall): MissingCustomerError {
  return new MissingCustomerError(
    `no customer for a call of ${call.endpoint}: neither meter(client, customer), meter.fetch(customer) nor withCustomer() ` +
      'named one. Its usage is kept unattributed; outbox.attribute(ids, customer) bills it later.',
  )
}
