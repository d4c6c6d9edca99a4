import type { SinkResult } from '../sink/sink.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { BatchEntry } from './outbox.ts'

/** A record that a sink's cursor has passed and that is not delivered. */
export interface MemoryItem {
  state: 'requeued' | 'batched' | 'dead' | 'discarded'
  attempts: number
  firstAttemptAt: number | undefined
  uncertainSince: number | undefined
  deliveredEventIds: readonly string[]
  reason: string | undefined
  failedAt: number
}

/** An item that was never tried. */
export function freshItem(state: MemoryItem['state']): MemoryItem {
  return {
    state,
    attempts: 0,
    firstAttemptAt: undefined,
    uncertainSince: undefined,
    deliveredEventIds: [],
    reason: undefined,
    failedAt: 0,
  }
}

/** Counts a claim, and answers what the claim gives out: what was known before it. */
export function beginAttempt(
  item: MemoryItem,
  record: UsageRecord,
  nowMs: number,
): Omit<BatchEntry, 'refusedEventIds'> {
  const { attempts, firstAttemptAt, uncertainSince, deliveredEventIds } = item
  item.attempts++
  item.firstAttemptAt ??= nowMs
  return { record, attempts, firstAttemptAt, uncertainSince, deliveredEventIds }
}

/**
 * Notes how a claim ended without the record being accepted.
 * @param result absent when nobody knows.
 */
export function endAttempt(
  item: MemoryItem,
  result: SinkResult | undefined,
  claimedAt: number,
): void {
  const delivered = [...item.deliveredEventIds, ...(result?.deliveredEventIds ?? [])]
  item.deliveredEventIds = [...new Set(delivered)]
  const mayHaveArrived =
    result === undefined || (result.status === 'retry' && result.uncertain === true)
  if (mayHaveArrived) item.uncertainSince ??= claimedAt
}
