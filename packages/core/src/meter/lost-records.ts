import type { ObservedCall } from '../call/observed-call.ts'
import { perishablePart } from '../environment/fallback-outbox.ts'
import { MissingCustomerError, OutboxError } from '../errors/errors.ts'
import type { LedgerPage, Outbox, RecordState } from '../outbox/outbox.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** What nobody was billed for, and nobody gave up by name. */
const unbilled = {
  pending: 'a sink lacks (sending may have been under way)',
  dead: 'a sink refused',
  unattributed: 'nobody is named for',
  held: 'are held back',
} as const satisfies Partial<Record<RecordState, string>>

/**
 * The records that are lost at an end because a sink still lacks them, has refused them or is not
 * given them, or because nobody was named for them; nothing where the outbox outlives it, or cannot
 * answer at once. Never throws.
 * @param end what ended, for the message.
 */
export function lostRecords(
  outbox: Outbox,
  sinks: readonly string[],
  end: 'the process ended' | 'the meter was closed',
): OutboxError | undefined {
  const perishable = perishablePart(outbox)
  if (perishable === undefined) return undefined
  // Where memory stands in for an outbox, what is in it was for a later process, if for no sink here.
  const names = sinks.length === 0 && perishable !== outbox ? ['any'] : sinks
  const records = new Map<string, UsageRecord>()
  const said: string[] = []
  try {
    for (const [state, why] of Object.entries(unbilled)) {
      const before = records.size
      for (const sink of names) {
        for (const record of recordsOf(perishable, sink, state as RecordState))
          records.set(record.id, record)
      }
      if (records.size > before) said.push(`${records.size - before} that ${why}`)
    }
  } catch (cause) {
    return new OutboxError(`${end}, and what is left in ${perishable.description} cannot be read`, {
      cause,
    })
  }
  if (records.size === 0) return undefined
  return new OutboxError(
    `${end} with ${records.size} usage record(s) in ${perishable.description}: ${said.join(', ')}. They ` +
      'are in this error\'s "records" and nowhere else: record() them again, with a customer, and what ' +
      'was refused once it can be taken, which bills each of them once while its id is the same',
    { records: [...records.values()] },
  )
}

function* recordsOf(outbox: Outbox, sink: string, state: RecordState): Generator<UsageRecord> {
  let after: number | undefined
  do {
    const page = outbox.ledger(sink, { states: [state], ...(after !== undefined && { after }) })
    if ('then' in page) return
    const { entries, next }: LedgerPage = page
    for (const { record } of entries) yield record
    after = next
  } while (after !== undefined)
}

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

/** Usage of a call that nobody was named for. */
export function unattributed({ call }: ObservedCall): MissingCustomerError {
  return new MissingCustomerError(
    `no customer for a call of ${call.endpoint}: neither meter(client, customer) nor withCustomer() ` +
      'named one. Its usage is kept unattributed; outbox.attribute(ids, customer) bills it later.',
  )
}
