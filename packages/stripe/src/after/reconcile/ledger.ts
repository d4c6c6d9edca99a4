import type { LedgerEntry, LedgerQuery } from '@token-meter/core/adapter'
import { type AfterTheFact, isCancelled, isUncertain, ledgerEntries } from '../after-the-fact.ts'
import type { MeterSum } from './reconcile-report.ts'
import { ConfigError } from '@token-meter/core/sink'

/** What the ledger knows about one meter event. */
export interface KnownEvent {
  readonly id: string
  readonly eventName: string
  /** `undefined` where it is not known. */
  readonly value: number | undefined
  readonly fate: 'delivered' | 'uncertain' | 'pending' | 'dead' | 'not billed'
}

/** Why sums of money cannot be compared. */
export const unknownAmount =
  'some of it was priced as it was sent, so the ledger does not have the amount: give pricedBy, the cost of the meter'

/** The events of a record, and what is known about each. */
export function knownEvents(after: AfterTheFact, entry: LedgerEntry): readonly KnownEvent[] {
  const { record, deliveredEventIds, refusedEventIds } = entry
  const otherwise = fateOfTheRest(entry)
  return after.eventsOf(record, refusedEventIds).map(({ identifier: id, event_name, value }) => ({
    id,
    eventName: event_name,
    value,
    fate: deliveredEventIds.includes(id) && !isCancelled(entry) ? 'delivered' : otherwise,
  }))
}

function fateOfTheRest(entry: LedgerEntry): KnownEvent['fate'] {
  if (entry.state === 'delivered' || entry.state === 'pending') return entry.state
  if (entry.state === 'dead') return isUncertain(entry) ? 'uncertain' : 'dead'
  return 'not billed'
}

/** One meter of one customer, as the ledger knows it. */
export type LedgerSum = Omit<MeterSum, 'billed' | 'difference'>

/** A time of a customer's in which something is of unknown fate. */
export interface UncertainSpan {
  readonly customer: string
  /** In ms since the epoch. */
  readonly fromMs: number
  readonly untilMs: number
}

/** Sums up a part of the ledger, and finds the spans in which something is to be decided. */
export async function ledgerSums(
  after: AfterTheFact,
  query: LedgerQuery,
  spanMs: number,
): Promise<{ readonly sums: readonly LedgerSum[]; readonly spans: readonly UncertainSpan[] }> {
  const sums = new Map<string, Mutable<LedgerSum>>()
  const spans = new Map<string, UncertainSpan>()
  for await (const entry of ledgerEntries(after, query)) {
    const { customer, at } = entry.record
    if (customer === null) continue
    for (const { eventName, value, fate } of knownEvents(after, entry)) {
      const key = JSON.stringify([customer, eventName])
      const nothing = { delivered: 0, uncertain: 0, pending: 0, dead: 0 }
      const sum = sums.get(key) ?? { customer, eventName, ...nothing, problem: undefined }
      sums.set(key, sum)
      if (fate !== 'not billed') sum[fate] += value ?? 0
      if (fate === 'delivered' && value === undefined) sum.problem = unknownAmount
      if (fate !== 'uncertain') continue
      const fromMs = spanStart(at, spanMs)
      const span = { customer, fromMs, untilMs: fromMs + spanMs }
      spans.set(JSON.stringify(span), span)
    }
  }
  return { sums: [...sums.values()], spans: [...spans.values()] }
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] }

/** What the ledger has about a span of a customer's. */
export interface SpanLedger extends UncertainSpan {
  /** Dead letters of unknown fate. */
  readonly uncertain: readonly LedgerEntry[]
  readonly events: readonly KnownEvent[]
  /** An amount of money in it was rounded. */
  readonly isRounded: boolean
  /** Differs when anything of it was moved. */
  readonly fingerprint: string
}

export async function spanLedger(after: AfterTheFact, span: UncertainSpan): Promise<SpanLedger> {
  const entries: LedgerEntry[] = []
  for await (const entry of ledgerEntries(after, span)) entries.push(entry)
  return {
    ...span,
    uncertain: entries.filter(isUncertain),
    events: entries.flatMap((entry) => knownEvents(after, entry)),
    isRounded: entries.some(({ record }) => after.isRounded(record)),
    fingerprint: JSON.stringify(
      entries.map(({ record, state, deliveredEventIds, refusedEventIds }) => [
        record.id,
        state,
        deliveredEventIds,
        refusedEventIds,
      ]),
    ),
  }
}

/** Stripe sums up whole minutes only. */
export const minuteMs = 60_000

/** The beginning of the span of a length that a time is in; all in ms, times since the epoch. */
export function spanStart(time: number, lengthMs: number): number {
  return Math.floor(time / lengthMs) * lengthMs
}

/** The end of that span, or the time itself where a span begins. */
export function spanEnd(time: number, lengthMs: number): number {
  return Math.ceil(time / lengthMs) * lengthMs
}

/**
 * The shortest spans of whole minutes that no sum goes beyond, where usage is summed up in windows.
 * @throws ConfigError for windows that fit into no such spans.
 */
export function spanOfWindows(windowMs: number = minuteMs): number {
  const isWhole = Number.isSafeInteger(windowMs) && windowMs > 0
  if (isWhole && windowMs % minuteMs === 0) return windowMs
  if (isWhole && minuteMs % windowMs === 0) return minuteMs
  throw new ConfigError(
    'reconcileUsage: windowMs must be that of aggregated(), and make up whole minutes or be a whole part of one',
  )
}
