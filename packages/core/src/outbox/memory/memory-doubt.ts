import type { HeldBatch } from './memory-batches.ts'
import { endAttempt } from './memory-item.ts'
import type { MemoryItems } from './memory-items.ts'
import type { MemoryLedger } from './memory-ledger.ts'
import { moreUncertain } from '../uncertainty.ts'

/**
 * Notes what may have arrived of a batch that was never settled: all of it, or, where its holder
 * marked what it sent, what was in flight.
 */
export function doubt(
  batchId: string,
  { numbers, isMarked, marks, claimedAt }: HeldBatch,
  items: MemoryItems,
  ledger: MemoryLedger,
): void {
  if (!isMarked) {
    for (const number of numbers) endAttempt(items.at(number), undefined, { claimedAt, batchId })
    return
  }
  for (const { recordIds, eventIds, sumId } of [...marks.values()].flat()) {
    for (const recordId of recordIds) {
      const number = ledger.numberOf(recordId)
      if (number === undefined || !numbers.has(number)) continue
      const item = items.at(number)
      const more = { uncertainSince: claimedAt, uncertainEventIds: eventIds, uncertainIn: sumId }
      item.uncertain = moreUncertain(item.uncertain, more, batchId)
    }
  }
}
