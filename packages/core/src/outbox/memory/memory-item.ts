import type { Refusal } from '../../errors/refusal.ts'
import type { SinkResult } from '../../sink/sink.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'
import type { BatchEntry } from '../../sink/batch.ts'
import { moreUncertain, type Uncertainty, uncertaintyFields } from '../uncertainty.ts'

/** A record that a sink's cursor has passed and that is not delivered. */
export interface MemoryItem {
  state: 'requeued' | 'batched' | 'dead' | 'discarded' | 'held'
  attempts: number
  firstAttemptAt: number | undefined
  uncertain: Uncertainty
  deliveredEventIds: readonly string[]
  reason: string | undefined
  refusal: Refusal
  failedAt: number
  /** Somebody said that it goes out: it is never held again. */
  isReleased: boolean
}

/** An item that was never tried. */
export function freshItem(state: MemoryItem['state'], uncertainSince?: number): MemoryItem {
  return {
    state,
    attempts: 0,
    firstAttemptAt: undefined,
    uncertain: { uncertainSince },
    deliveredEventIds: [],
    reason: undefined,
    refusal: {},
    failedAt: 0,
    isReleased: false,
  }
}

/** Counts a claim, and answers what the claim gives out: what was known before it. */
export function beginAttempt(
  item: MemoryItem,
  record: UsageRecord,
  nowMs: number,
): Omit<BatchEntry, 'refusedEventIds'> {
  const { attempts, firstAttemptAt, uncertain, deliveredEventIds } = item
  item.attempts++
  item.firstAttemptAt ??= nowMs
  return { record, attempts, firstAttemptAt, ...uncertaintyFields(uncertain), deliveredEventIds }
}

/**
 * Notes how a claim ended without the record being accepted.
 * @param result absent when nobody knows.
 */
export function endAttempt(
  item: MemoryItem,
  result: SinkResult | undefined,
  { claimedAt, batchId }: { readonly claimedAt: number; readonly batchId: string },
): void {
  learnDelivered(item, result?.deliveredEventIds)
  if (result === undefined) {
    item.uncertain = moreUncertain(item.uncertain, { uncertainSince: claimedAt }, batchId)
  } else if (result.status === 'retry' && result.uncertain === true) {
    const { uncertainEventIds, uncertainIn } = result
    const more = { uncertainSince: claimedAt, uncertainEventIds, uncertainIn }
    item.uncertain = moreUncertain(item.uncertain, more, batchId)
  }
}

export function learnDelivered(item: MemoryItem, eventIds: readonly string[] = []): void {
  item.deliveredEventIds = [...new Set([...item.deliveredEventIds, ...eventIds])]
}
