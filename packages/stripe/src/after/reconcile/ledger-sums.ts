import type { LedgerQuery } from '@token-meter/core/adapter'
import type { AfterTheFact } from '../after-the-fact.ts'
import { knownEvents, unknownAmount } from './known-events.ts'
import { ledgerEntries } from './ledger-entries.ts'
import { spanStart } from './span.ts'
import type { MeterSum } from './reconcile-report.ts'

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
