import { OutboxError } from './errors/outbox-error.ts'
import type { LedgerPage, Outbox } from './outbox/outbox.ts'
import type { UsageRecord } from './usage/usage-record.ts'

/**
 * The records that are lost at an end because a sink still lacks them; nothing where the outbox
 * outlives it, or cannot answer at once. Never throws.
 * @param end what ended, for the message.
 */
export function lostRecords(
  outbox: Outbox,
  sinks: readonly string[],
  end: 'the process ended' | 'the meter was closed',
): OutboxError | undefined {
  if (outbox.durable) return undefined
  const records = new Map<string, UsageRecord>()
  try {
    for (const sink of sinks) {
      for (const record of pendingOf(outbox, sink)) records.set(record.id, record)
    }
  } catch (cause) {
    return new OutboxError(`${end}, and what is left in ${outbox.description} cannot be read`, {
      cause,
    })
  }
  if (records.size === 0) return undefined
  return new OutboxError(
    `${end} with ${records.size} usage record(s) in ${outbox.description} that a sink lacks ` +
      '(sending may have been under way). They are in this error\'s "records" and nowhere else: ' +
      'record() them again, which bills each of them once while its id is the same',
    { records: [...records.values()] },
  )
}

function* pendingOf(outbox: Outbox, sink: string): Generator<UsageRecord> {
  let after: number | undefined
  do {
    const page = outbox.ledger(sink, { states: ['pending'], ...(after !== undefined && { after }) })
    if ('then' in page) return
    const { entries, next }: LedgerPage = page
    for (const { record } of entries) yield record
    after = next
  } while (after !== undefined)
}
