import { perishablePart } from '../environment/fallback-outbox.ts'
import { OutboxError } from '../errors/errors.ts'
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
