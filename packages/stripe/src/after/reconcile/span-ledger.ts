import type { LedgerEntry } from '@token-meter/core/adapter'
import type { AfterTheFact } from '../after-the-fact.ts'
import { isUncertain } from '../uncertain.ts'
import { knownEvents, type KnownEvent } from './known-events.ts'
import { ledgerEntries } from './ledger-entries.ts'
import type { UncertainSpan } from './ledger-sums.ts'

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
