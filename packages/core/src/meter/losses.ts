/**
 * What a flush or an end leaves, and the errors that say so. Nothing is lost with an outbox that
 * outlives the process; of one in memory everything that is in no bill is, and it is reported whole.
 */
import { perishablePart } from '../environment/fallback-outbox.ts'
import { FlushError, OutboxError } from '../errors/errors.ts'
import type { LedgerPage, Outbox, RecordState } from '../outbox/outbox.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { MeterStats } from './stats.ts'

/** What nobody was billed for, and nobody gave up by name. */
const unbilled = {
  pending: 'a sink lacks (sending may have been under way)',
  dead: 'a sink refused',
  unattributed: 'nobody is named for',
  held: 'are held back',
} as const satisfies Partial<Record<RecordState, string>>

type Unbilled = keyof typeof unbilled

/** What ended, for messages. */
export type End = 'the process ended' | 'the meter was closed'

/**
 * The records that are lost at an end because a sink still lacks them, has refused them or is not
 * given them, or because nobody was named for them; nothing where the outbox outlives it, or cannot
 * answer at once. Never throws.
 */
export function lostRecords(
  outbox: Outbox,
  sinks: readonly string[],
  end: End,
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
        for (const record of recordsOf(perishable, sink, state as Unbilled))
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

function* recordsOf(outbox: Outbox, sink: string, state: Unbilled): Generator<UsageRecord> {
  let after: number | undefined
  do {
    const page = outbox.ledger(sink, { states: [state], ...(after !== undefined && { after }) })
    if ('then' in page) return
    const { entries, next }: LedgerPage = page
    for (const { record } of entries) yield record
    after = next
  } while (after !== undefined)
}

/**
 * The counts of what is lost when an outbox is closed; nothing where it outlives the process.
 * @param all the counts of the whole outbox.
 */
export async function lostCounts(
  outbox: Outbox,
  all: MeterStats['sinks'],
): Promise<MeterStats['sinks'] | undefined> {
  const perishable = perishablePart(outbox)
  if (perishable === undefined || perishable === outbox) return perishable && all
  const names = Object.keys(all)
  const counts = await Promise.all(names.map(async (name) => [name, await perishable.stats(name)]))
  return Object.fromEntries(counts)
}

/** @throws FlushError when not all is delivered, or given up by name. */
export function checkNothingIsLost(counts: MeterStats['sinks']): void {
  const lost = {
    pending: countsOf(counts, 'pending'),
    dead: countsOf(counts, 'dead'),
    unattributed: countsOf(counts, 'unattributed'),
    held: countsOf(counts, 'held'),
  } satisfies Record<Unbilled, unknown>
  const said = Object.entries(lost).flatMap(([state, counts]) =>
    Object.keys(counts).length === 0 ? [] : `${inWords(counts)} (${state})`,
  )
  if (said.length === 0) return
  throw new FlushError(
    `close() ended with records in memory that no sink took: ${said.join(', ')}. They are lost ` +
      'with it, and were reported whole; an outbox on disk would have kept them',
    lost,
  )
}

/**
 * What a meter that is closed has left.
 * @throws FlushError when that is anything.
 */
export function checkNothingIsLeft({ sinks }: MeterStats): void {
  const pending = countsOf(sinks, 'pending')
  if (Object.keys(pending).length === 0) return
  throw new FlushError(
    `flush() came after close(), which left records in the outbox: ${inWords(pending)}. The next ` +
      'process delivers them',
    { pending },
  )
}

/** An outbox that has not answered in the time that there was. */
export function noAnswer(outbox: Outbox, what: string): FlushError {
  return new FlushError(`${what}: the outbox (${outbox.description}) does not answer`, {
    pending: {},
  })
}

function countsOf(sinks: MeterStats['sinks'], state: Unbilled): Readonly<Record<string, number>> {
  const counts = Object.entries(sinks).map(([name, stats]) => [name, stats[state]] as const)
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

function inWords(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} for "${name}"`)
    .join(', ')
}
