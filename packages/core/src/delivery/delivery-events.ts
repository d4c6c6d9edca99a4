import type { BatchEntry } from '../sink/batch.ts'
import type { SinkStats } from '../outbox/outbox.ts'
import type { SinkResult } from '../sink/sink.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { SinkFailure } from './outage.ts'

/** What a delivery tells of its work. Listeners must not throw. */
export interface DeliveryReport {
  delivered(sink: string, records: readonly UsageRecord[]): void
  retrying(sink: string, records: readonly UsageRecord[], reason: string, afterMs: number): void
  deadLetter(sink: string, record: UsageRecord, reason: string): void
  /** The backend has taken nothing for some time. The counts are absent where the outbox gives none. */
  failing(sink: string, failure: SinkFailure, stats: SinkStats | undefined): void
  /** The outbox failed, or a sink failed as a whole. */
  fault(sink: string, what: string, cause?: unknown): void
}

/** Tells what became of entries that the outbox has settled. */
export function tellResults(
  report: DeliveryReport,
  sink: string,
  entries: readonly BatchEntry[],
  results: readonly SinkResult[],
): void {
  const recordsWith = (status: SinkResult['status']) =>
    entries.filter((_, index) => results[index]?.status === status).map(({ record }) => record)
  const accepted = recordsWith('accepted')
  if (accepted.length > 0) report.delivered(sink, accepted)
  for (const [index, { record }] of entries.entries()) {
    const result = results[index]
    if (result?.status === 'rejected') report.deadLetter(sink, record, result.reason)
  }
  const later = results.find((result) => result.status === 'retry')
  if (later === undefined) return
  report.retrying(sink, recordsWith('retry'), later.reason, later.afterMs ?? 0)
}
