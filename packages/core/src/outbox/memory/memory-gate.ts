import type { MemoryLedger } from './memory-ledger.ts'
import type { MemoryProgress } from './memory-progress.ts'

/** What is given out passes here, and what is not stays behind, held. See held-usage.ts. */
function isHeldFrom(
  { items, heldTo }: MemoryProgress,
  ledger: MemoryLedger,
  number: number,
  isLive: boolean,
): boolean {
  if (items.get(number)?.isReleased === true) return false
  return number <= heldTo || (isLive && ledger.glance(number).isTest)
}

/** A new batch of what waits, requeued records first; nothing when none does. */
export function newBatch(
  progress: MemoryProgress,
  ledger: MemoryLedger,
  limit: number,
  isLive: boolean,
): string | undefined {
  const { items, batches } = progress
  const numbers = new Set<number>()
  const take = (number: number) => {
    if (isHeldFrom(progress, ledger, number, isLive)) items.withhold(number)
    else numbers.add(number)
  }
  for (const number of items.requeuedByAge()) {
    if (numbers.size >= limit) break
    take(number)
  }
  while (numbers.size < limit && progress.cursor < ledger.last) {
    if (ledger.isBillable(++progress.cursor)) take(progress.cursor)
  }
  if (numbers.size === 0) return undefined
  for (const number of numbers) items.hold(number, ledger.uncertainSince(number))
  return batches.add(numbers)
}

/** The batch that has been due for longest, of those of which something may be given out. */
export function dueBatch(
  progress: MemoryProgress,
  ledger: MemoryLedger,
  nowMs: number,
  isLive: boolean,
): string | undefined {
  for (;;) {
    const id = progress.batches.due(nowMs)
    const numbers = id === undefined ? undefined : progress.batches.get(id)?.numbers
    if (id === undefined || numbers === undefined) return undefined
    for (const number of numbers) {
      if (!isHeldFrom(progress, ledger, number, isLive)) continue
      numbers.delete(number)
      progress.items.withhold(number)
    }
    if (numbers.size > 0) return id
    progress.batches.delete(id)
  }
}
