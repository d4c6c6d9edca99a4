import type { SinkResult } from '../../sink/sink.ts'
import { dueBatch, newBatch } from './memory-gate.ts'
import { MemoryBatches } from './memory-batches.ts'
import { correctItem } from './memory-correction.ts'
import { beginAttempt, endAttempt, learnDelivered } from './memory-item.ts'
import { MemoryItems } from './memory-items.ts'
import type { MemoryLedger } from './memory-ledger.ts'
import { doubt } from './memory-doubt.ts'
import type { Batch, BatchMarks } from '../../sink/batch.ts'
import type {
  ClaimOptions,
  Correction,
  DeadLetter,
  LedgerEntry,
  RecordState,
  SinkStats,
} from '../outbox.ts'
import type { SinkMode } from '../known-sinks.ts'

/**
 * How far one sink has come. Records after the cursor are pending; of those before it, the ones
 * without an item are delivered or unattributed.
 */
export class MemoryProgress {
  /** Its name, which can change. */
  sink: string
  mode: SinkMode | undefined
  /** What is kept up to here is held, because the sink may be one of these under a new name. */
  heldTo = 0
  heldFor: readonly string[] = []
  /** The first record that is counted. */
  first: number
  /** Records that came before it, were pruned before this sink was known, or were taken away. */
  missed: number
  cursor: number
  readonly #ledger: MemoryLedger
  /** The last claim was a retry: fresh records come next, or retries could starve them. */
  #gotRetry = false
  readonly items = new MemoryItems()
  readonly batches = new MemoryBatches()

  constructor(sink: string, ledger: MemoryLedger, first = 1) {
    this.sink = sink
    this.#ledger = ledger
    this.first = first
    this.missed = ledger.last - ledger.countFrom(first)
    this.cursor = first - 1
  }

  claim(options: ClaimOptions, nowMs: number): Batch | undefined {
    const { limit, leaseMs, lingerMs = 0, isMarked = false, isLive = false } = options
    const isRipe = lingerMs === 0 || this.#isRipe(limit, nowMs, lingerMs)
    const fresh = this.#gotRetry && isRipe ? newBatch(this, this.#ledger, limit, isLive) : undefined
    const due = fresh === undefined ? dueBatch(this, this.#ledger, nowMs, isLive) : undefined
    this.#gotRetry = due !== undefined
    const id = fresh ?? due ?? (isRipe ? newBatch(this, this.#ledger, limit, isLive) : undefined)
    const held = id === undefined ? undefined : this.batches.get(id)
    if (id === undefined || held === undefined) return undefined
    // It was never settled: nobody knows what became of it, or of what was in flight.
    if (held.lease !== undefined) doubt(id, held, this.items, this.#ledger)
    held.marks.clear()
    held.isMarked = isMarked
    const lease = crypto.randomUUID()
    held.lease = lease
    held.claimedAt = nowMs
    held.dueAt = nowMs + leaseMs
    const entries = [...held.numbers].map((number) => ({
      ...beginAttempt(this.items.at(number), this.#ledger.at(number), nowMs),
      ...this.#refused(number),
    }))
    return { id, sink: this.sink, lease, entries }
  }

  mark(batch: Batch, { sending, over, known }: BatchMarks, nowMs: number): boolean {
    const held = this.batches.get(batch.id)
    if (held === undefined || held.lease !== batch.lease) return false
    for (const { request, parts } of sending) held.marks.set(request, parts)
    for (const { recordId, result } of known) {
      const number = this.#ledger.numberOf(recordId)
      if (number === undefined || !held.numbers.has(number)) continue
      if (result.status === 'accepted') this.items.deliver(number)
      else learnDelivered(this.items.at(number), result.deliveredEventIds)
      if (result.status === 'rejected') this.items.bury(number, result.reason, result, nowMs)
      if (result.status !== 'retry') held.numbers.delete(number)
    }
    for (const request of over) held.marks.delete(request)
    if (held.numbers.size === 0) this.batches.delete(batch.id)
    return true
  }

  settle(batch: Batch, results: readonly SinkResult[], nowMs: number): boolean {
    const held = this.batches.get(batch.id)
    if (held === undefined || held.lease !== batch.lease) return false
    const { claimedAt } = held
    let waitMs = 0
    batch.entries.forEach(({ record }, index) => {
      const number = this.#ledger.numberOf(record.id)
      const result = results[index]
      if (number === undefined || !held.numbers.has(number)) return
      if (result?.status === 'accepted') this.items.deliver(number)
      else endAttempt(this.items.at(number), result, { claimedAt, batchId: batch.id })
      if (result?.status === 'rejected') this.items.bury(number, result.reason, result, nowMs)
      if (result?.status === 'retry') waitMs = Math.max(waitMs, result.afterMs ?? 0)
      else if (result !== undefined) held.numbers.delete(number)
    })
    held.lease = undefined
    held.marks.clear()
    held.dueAt = nowMs + waitMs
    if (held.numbers.size === 0) this.batches.delete(batch.id)
    return true
  }

  isSettled(position: number): boolean {
    for (const number of this.items.requeued) if (number <= position) return false
    return !this.batches.holdUpTo(position) && this.#nextFresh(position) === undefined
  }

  nextDueAt(nowMs: number): number | undefined {
    const { requeued } = this.items
    if (requeued.size > 0 || this.#nextFresh(this.#ledger.last) !== undefined) return nowMs
    return this.batches.nextDueAt()
  }

  expedite(nowMs: number): void {
    this.batches.expedite(nowMs)
  }

  stats(): SinkStats {
    const recorded = this.#ledger.last - this.missed
    const { delivered, dead, discarded } = this.items
    const unattributed = [...this.#ledger.unattributed].filter((number) => number >= this.first)
    const held = this.items.held.size
    const settled = { delivered, dead: dead.size, unattributed: unattributed.length, discarded }
    const pending = recorded - delivered - dead.size - unattributed.length - discarded - held
    const counts = { recorded, pending, ...settled, held }
    return pending === 0 ? counts : { ...counts, oldestPendingAt: this.#oldestPendingAt() }
  }

  deadLetters(limit: number): DeadLetter[] {
    return [...this.items.dead].slice(0, limit).map((number) => {
      const { reason = '', refusal, attempts, failedAt } = this.items.at(number)
      const record = this.#ledger.at(number)
      return { record, sink: this.sink, reason, ...refusal, attempts, failedAt }
    })
  }

  requeue(ids: readonly string[] | undefined): number {
    const numbers = this.#deadNumbers(ids)
    for (const number of numbers) this.items.wait(number)
    return numbers.length
  }

  discard(ids: readonly string[] | undefined): number {
    const numbers = this.#deadNumbers(ids)
    for (const number of numbers) this.items.discard(number)
    return numbers.length
  }

  release(ids?: readonly string[]): number {
    const numbers = this.#heldNumbers(ids)
    for (const number of numbers) {
      this.items.unhold(number, this.#ledger.uncertainSince(number), true)
    }
    if (ids === undefined) [this.heldTo, this.heldFor] = [0, []]
    return numbers.length
  }

  drop(ids?: readonly string[]): number {
    const numbers = this.#heldNumbers(ids)
    for (const number of numbers) this.items.discard(number)
    return numbers.length
  }

  /** The ledger is distrusted too, for what is not claimed yet. Claims under way are of before. */
  distrust(sinceMs: number): void {
    for (const [id, { lease, claimedAt, numbers }] of this.batches.all()) {
      const since = lease === undefined ? sinceMs : Math.min(sinceMs, claimedAt)
      for (const number of numbers) this.items.distrust(number, since, id)
    }
    for (const number of this.items.requeued) this.items.distrust(number, sinceMs)
  }

  /** The records that wait for the sink. */
  *pending(): Generator<number> {
    for (const number of this.#ledger.after(0)) {
      if (this.stateOf(number) === 'pending') yield number
    }
  }

  /** Returns how many moved. */
  correct(ids: readonly string[], correction: Correction, nowMs: number): number {
    return this.#numbers(ids).filter((number) =>
      correctItem(this.items, number, this.stateOf(number), { ...correction, nowMs }),
    ).length
  }

  /** Nothing for a record that came before the sink's first. */
  stateOf(number: number): RecordState | undefined {
    if (number < this.first) return undefined
    if (!this.#ledger.isBillable(number)) return 'unattributed'
    const state = this.items.get(number)?.state
    if (state === 'dead' || state === 'discarded' || state === 'held') return state
    return state === undefined && number <= this.cursor ? 'delivered' : 'pending'
  }

  entry(number: number, state: RecordState): LedgerEntry {
    const { reason, refusal } = this.items.get(number) ?? {}
    const { deliveredEventIds } = this.items.knownEvents(number)
    return {
      record: this.#ledger.at(number),
      state,
      deliveredEventIds,
      ...(reason !== undefined && { reason }),
      ...refusal,
      ...this.#refused(number),
    }
  }

  /** A record behind the cursor has got a customer; one ahead of it is met in its turn. */
  attributed(number: number): void {
    if (number < this.first || number > this.cursor) return
    this.items.wait(number, this.#ledger.uncertainSince(number))
  }

  /** @param orHolds whether what is held counts as well. */
  hasSettled(number: number, orHolds: boolean): boolean {
    if (number > this.cursor || !this.#ledger.isBillable(number)) return false
    const state = this.items.get(number)?.state
    return state === undefined || state === 'discarded' || (orHolds && state === 'held')
  }

  /** Whether the sink certainly has nothing of a record, and is not being sent it now. */
  isUntouched(number: number): boolean {
    if (number < this.first || number > this.cursor) return true
    if (!this.#ledger.isBillable(number)) return true
    const item = this.items.get(number)
    if (item?.state === 'held') return true
    if (item === undefined || item.isReleased || item.uncertain.uncertainSince !== undefined)
      return false
    const { deliveredEventIds, refusedEventIds } = this.items.knownEvents(number)
    if (deliveredEventIds.length + refusedEventIds.length > 0) return false
    if (item.state === 'requeued') return true
    return item.state === 'batched' && this.batches.of(number)?.lease === undefined
  }

  /** The record is kept somewhere else now, and not counted here any more. */
  left(number: number): void {
    if (number < this.first) return
    this.missed++
    this.batches.remove(number)
    this.items.leave(number)
  }

  pruned(number: number): void {
    this.items.drop(number)
  }

  #refused(number: number): { readonly refusedEventIds?: readonly string[] } {
    const { refusedEventIds } = this.items.knownEvents(number)
    return refusedEventIds.length > 0 ? { refusedEventIds } : {}
  }

  /** Whether what waits need not wait for more. */
  #isRipe(limit: number, nowMs: number, lingerMs: number): boolean {
    if (this.items.requeued.size > 0 || this.#ledger.last - this.cursor >= limit) return true
    const oldest = this.#nextFresh(this.#ledger.last)
    return oldest !== undefined && Math.abs(nowMs - this.#ledger.glance(oldest).at) >= lingerMs
  }

  /** Only while something is pending. */
  #oldestPendingAt(): number {
    const [requeued = Infinity] = this.items.requeuedByAge()
    const fresh = this.#nextFresh(this.#ledger.last) ?? Infinity
    return this.#ledger.glance(Math.min(requeued, this.batches.lowest(), fresh)).at
  }

  /** The first record after the cursor, up to a mark, that can be claimed. */
  #nextFresh(mark: number): number | undefined {
    for (let number = this.cursor + 1; number <= mark; number++) {
      if (this.#ledger.isBillable(number)) return number
    }
    return undefined
  }

  #deadNumbers(ids: readonly string[] | undefined): number[] {
    const { dead } = this.items
    return ids === undefined ? [...dead] : this.#numbers(ids).filter((number) => dead.has(number))
  }

  #heldNumbers(ids: readonly string[] | undefined): number[] {
    const { held } = this.items
    return ids === undefined ? [...held] : this.#numbers(ids).filter((number) => held.has(number))
  }

  /** In the order in which they came; once each. */
  #numbers(ids: readonly string[]): number[] {
    const numbers = new Set(ids.flatMap((id) => this.#ledger.numberOf(id) ?? []))
    return [...numbers].toSorted((a, b) => a - b)
  }
}
