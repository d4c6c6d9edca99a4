import type { Batch, BatchMarks } from '../../sink/batch.ts'
import type { SinkResult } from '../../sink/sink-result.ts'
import type { ClaimOptions } from '../outbox.ts'
import {
  batchReady,
  isHeld,
  mayHaveArrived,
  moreUncertain,
  outcomeOf,
  Turns,
  type Uncertainty,
  waitMs,
} from '../rules.ts'
import type { OpenBatch } from './batches.ts'
import type { Ledger } from './ledger.ts'
import type { SinkProgress } from './sink-progress.ts'

/** Gives records out in batches, and notes what comes back of them. */
export class Claims {
  readonly #ledger: Ledger
  readonly #now: () => number
  readonly #turns = new Turns()

  constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger
    this.#now = now
  }

  claim(progress: SinkProgress, options: ClaimOptions): Batch | undefined {
    const { limit, leaseMs, lingerMs = 0, isMarked = false, isLive = false } = options
    const nowMs = this.#now()
    const isReady = batchReady({ limit, lingerMs, nowMs }, () => progress.waiting())
    const id = this.#turns.take(progress.sink, {
      again: () => this.#dueBatch(progress, nowMs, isLive),
      fresh: () => (isReady ? this.#newBatch(progress, limit, isLive) : undefined),
    })
    const batch = id === undefined ? undefined : progress.batches.get(id)
    if (id === undefined || batch === undefined) return undefined
    if (batch.lease !== undefined) this.#doubt(progress, id, batch)
    batch.marks.clear()
    batch.isMarked = isMarked
    const lease = crypto.randomUUID()
    batch.lease = lease
    batch.claimedAt = nowMs
    batch.dueAt = nowMs + leaseMs
    const entries = [...batch.seqs].map((seq) => ({
      record: this.#ledger.at(seq),
      ...progress.items.beginAttempt(seq, nowMs),
    }))
    return { id, sink: progress.sink, lease, entries }
  }

  mark({ batches, items }: SinkProgress, { id, lease }: Batch, marks: BatchMarks): boolean {
    const batch = batches.get(id)
    if (batch === undefined || batch.lease !== lease) return false
    for (const { request, parts } of marks.sending) batch.marks.set(request, parts)
    for (const { recordId, result } of marks.known) {
      const seq = this.#ledger.seqOf(recordId)
      if (seq === undefined || !batch.seqs.has(seq)) continue
      const outcome = outcomeOf(items.at(seq), result)
      items.apply(seq, outcome, this.#now())
      if (outcome.state !== 'batched') batch.seqs.delete(seq)
    }
    for (const request of marks.over) batch.marks.delete(request)
    if (batch.seqs.size === 0) batches.delete(id)
    return true
  }

  settle(
    { batches, items }: SinkProgress,
    { id, lease, entries }: Batch,
    results: readonly SinkResult[],
  ): boolean {
    const batch = batches.get(id)
    if (batch === undefined || batch.lease !== lease) return false
    const nowMs = this.#now()
    const claim = { batchId: id, claimedAt: batch.claimedAt }
    entries.forEach(({ record }, index) => {
      const seq = this.#ledger.seqOf(record.id)
      if (seq === undefined || !batch.seqs.has(seq)) return
      const outcome = outcomeOf(items.at(seq), results[index], claim)
      items.apply(seq, outcome, nowMs)
      if (outcome.state !== 'batched') batch.seqs.delete(seq)
    })
    batch.lease = undefined
    batch.marks.clear()
    batch.dueAt = nowMs + waitMs(results)
    if (batch.seqs.size === 0) batches.delete(id)
    return true
  }

  /** A new batch of what waits, requeued records first; nothing when none does. */
  #newBatch(progress: SinkProgress, limit: number, isLive: boolean): string | undefined {
    const { items, batches } = progress
    const seqs = new Set<number>()
    const take = (seq: number) => {
      if (this.#isHeld(progress, seq, isLive)) items.hold(seq)
      else seqs.add(seq)
    }
    for (const seq of items.requeuedByAge()) {
      if (seqs.size >= limit) break
      take(seq)
    }
    while (seqs.size < limit && progress.cursor < this.#ledger.last) {
      if (this.#ledger.isBillable(++progress.cursor)) take(progress.cursor)
    }
    if (seqs.size === 0) return undefined
    for (const seq of seqs) items.putIntoBatch(seq, this.#ledger.uncertainSince(seq))
    return batches.add(seqs)
  }

  /** The batch that has been due for longest, of those of which something may be given out. */
  #dueBatch(progress: SinkProgress, nowMs: number, isLive: boolean): string | undefined {
    for (;;) {
      const id = progress.batches.due(nowMs)
      const seqs = id === undefined ? undefined : progress.batches.get(id)?.seqs
      if (id === undefined || seqs === undefined) return undefined
      for (const seq of seqs) {
        if (!this.#isHeld(progress, seq, isLive)) continue
        seqs.delete(seq)
        progress.items.hold(seq)
      }
      if (seqs.size > 0) return id
      progress.batches.delete(id)
    }
  }

  #isHeld({ items, heldTo }: SinkProgress, seq: number, isLive: boolean): boolean {
    const { isTest } = this.#ledger.peek(seq)
    const isReleased = items.get(seq)?.isReleased === true
    return isHeld({ isTest, isFromBefore: seq <= heldTo, isReleased }, isLive)
  }

  /** It was never settled: nobody knows what became of it, or of what was in flight. */
  #doubt({ items }: SinkProgress, batchId: string, batch: OpenBatch): void {
    const { seqs, isMarked, marks, claimedAt } = batch
    const doubt = (seq: number, more: Uncertainty) => {
      const item = items.at(seq)
      item.uncertain = moreUncertain(item.uncertain, more, batchId)
    }
    if (!isMarked) {
      for (const seq of seqs) doubt(seq, mayHaveArrived({ claimedAt }))
      return
    }
    for (const part of [...marks.values()].flat()) {
      for (const recordId of part.recordIds) {
        const seq = this.#ledger.seqOf(recordId)
        if (seq !== undefined && seqs.has(seq)) doubt(seq, mayHaveArrived({ claimedAt }, part))
      }
    }
  }
}
