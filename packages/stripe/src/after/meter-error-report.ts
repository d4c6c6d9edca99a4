import type { LedgerEntry } from '@token-meter/core/adapter'
import { type AfterTheFact, ledgerEntry } from './after-the-fact.ts'
import type { MeterErrors } from './meter-error-event.ts'

/** What one notification about meter errors came to. */
export interface MeterErrorReport {
  /** Of Stripe's event: the same notification can come more than once. */
  readonly eventId: string
  /** The meter, `mtr_...`; absent where there is none for the event name. */
  readonly meter: string | undefined
  /** When Stripe looked at the events, in ms since the epoch. */
  readonly fromMs: number | undefined
  readonly untilMs: number | undefined
  /** Records that are dead letters because of it: now, or since it came before. */
  readonly deadLetters: readonly RefusedRecord[]
  /** Records that are still on their way, so that Stripe was asked to come again. */
  readonly pending: readonly string[]
  /** Identifiers that the ledger does not know: of another program, or pruned. */
  readonly unknown: readonly string[]
  /** Errors that the report counts without naming the events: compare the sums with `reconcileUsage`. */
  readonly unnamed: readonly { readonly code: string; readonly count: number }[]
}

/** A record of which Stripe refused something after it had accepted it. */
export interface RefusedRecord {
  readonly recordId: string
  readonly customer: string | null
  readonly eventIds: readonly string[]
  readonly reason: string
}

/** One line for a log. */
export function reportLine(report: MeterErrorReport): string {
  const { deadLetters, pending, unknown, unnamed, meter = 'no meter', eventId } = report
  const missing = unnamed.map(({ code, count }) => `${count} ${code}`).join(', ')
  const parts = [
    `${deadLetters.length} records are dead letters`,
    pending.length > 0 ? `${pending.length} are still on their way` : '',
    unknown.length > 0 ? `${unknown.length} identifiers are unknown` : '',
    missing === '' ? '' : `not named: ${missing} (compare the sums with reconcileUsage)`,
  ]
  return `Stripe could not bill events that it had accepted (${eventId}, ${meter}): ${parts.filter(Boolean).join('; ')}`
}

type Outcome = Pick<MeterErrorReport, 'deadLetters' | 'pending' | 'unknown'>

/** Makes the records that samples name dead letters, each once for each of its events. */
export async function refuseRecords(
  after: AfterTheFact,
  errors: readonly MeterErrors[],
): Promise<Outcome> {
  const deadLetters: RefusedRecord[] = []
  const pending: string[] = []
  const unknown: string[] = []
  for (const [recordId, refusals] of byRecord(after, errors)) {
    const eventIds = refusals.map(({ eventId }) => eventId)
    const entry =
      recordId === undefined ? undefined : await ledgerEntry(after.outbox, after.sink, recordId)
    if (entry === undefined || entry.state === 'unattributed') unknown.push(...eventIds)
    else if (isKnown(entry, eventIds)) {
      // It came before, and was acted upon. Since then the record may have been requeued.
      if (entry.state === 'dead') deadLetters.push(refusedRecord(after, entry, refusals))
    } else if (entry.state === 'pending') pending.push(entry.record.id)
    // Cancelled, or given up: it is not to be billed.
    else if (entry.state !== 'discarded') deadLetters.push(await refuse(after, entry, refusals))
  }
  return { deadLetters, pending, unknown }
}

interface Refusal {
  readonly eventId: string
  readonly code: string
  readonly message: string
}

function byRecord(
  after: AfterTheFact,
  errors: readonly MeterErrors[],
): Map<string | undefined, Refusal[]> {
  const refusals = errors.flatMap(({ code, samples }) =>
    samples.map((sample): Refusal => ({ code, ...sample })),
  )
  return Map.groupBy(refusals, ({ eventId }) => after.recordIdOf(eventId))
}

function isKnown({ refusedEventIds = [] }: LedgerEntry, eventIds: readonly string[]): boolean {
  return eventIds.every((id) => refusedEventIds.includes(id))
}

async function refuse(
  after: AfterTheFact,
  entry: LedgerEntry,
  refusals: readonly Refusal[],
): Promise<RefusedRecord> {
  const { record, refusedEventIds } = entry
  const refused = refusedRecord(after, entry, refusals)
  const { eventIds, reason } = refused
  const sent = after.eventsOf(record, refusedEventIds).map(({ identifier }) => identifier)
  await after.correct(after.sink, [record.id], {
    state: 'dead',
    reason,
    deliveredEventIds: sent.filter((id) => !eventIds.includes(id)),
    refusedEventIds: eventIds,
    ...(refusals[0] !== undefined && { code: refusals[0].code }),
  })
  return refused
}

function refusedRecord(
  after: AfterTheFact,
  { record }: LedgerEntry,
  refusals: readonly Refusal[],
): RefusedRecord {
  const eventIds = [...new Set(refusals.map(({ eventId }) => eventId))]
  const causes = new Set(
    refusals.map(({ eventId, code, message }) => `${tokenType(eventId)}: ${code}, ${message}`),
  )
  const reason = after.readable(
    `Stripe could not bill it after it had accepted it: ${[...causes].join('; ')}`,
  )
  return { recordId: record.id, customer: record.customer, eventIds, reason }
}

function tokenType(eventId: string): string {
  return eventId.slice(eventId.lastIndexOf(':') + 1).replace(/~\d+$/, '')
}
