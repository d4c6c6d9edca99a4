import type { SinkResult } from '../sink/sink.ts'
import type { Batch, DeadLetter, SinkStats } from './outbox.ts'
import { beginAttempt, endAttempt, freshItem, type MemoryItem } from './memory-item.ts'
import type { MemoryLedger } from './memory-ledger.ts'

interface HeldBatch {
  readonly numbers: Set<number>
  /** Absent while the batch waits for its next attempt. */
  lease: string | undefined
  /** When it was last claimed, in ms since the epoch. */
  claimedAt: number
  /** When the lease ends or the next attempt is due, in ms since the epoch. */
  dueAt: number
}

/**
 * How far one sink has come. Records after the cursor are pending; of those before it, the ones
 * without an item are delivered, discarded or unattributed.
 */
export class MemoryProgress {
  readonly #sink: string
  readonly #ledger: MemoryLedger
  /** Records that were pruned before this sink was known: it never had to deliver them. */
  readonly #missed: number
  #cursor = 0
  #delivered = 0
  #discarded = 0
  readonly #items = new Map<number, MemoryItem>()
  #requeued = new Set<number>()
  #requeuedInOrder = true
  /** The last claim was a retry: fresh records come next, or retries could starve them. */
  #gotRetry = false
  /** In the order in which they failed. */
  readonly #dead = new Set<number>()
  readonly #batches = new Map<string, HeldBatch>()

  constructor(sink: string, ledger: MemoryLedger) {
    this.#sink = sink
    this.#ledger = ledger
    this.#missed = ledger.pruned
  }

  claim(limit: number, leaseMs: number, nowMs: number): Batch | undefined {
    const fresh = this.#gotRetry ? this.#newBatch(limit) : undefined
    const due = fresh === undefined ? this.#dueBatch(nowMs) : undefined
    this.#gotRetry = due !== undefined
    const id = fresh ?? due ?? this.#newBatch(limit)
    const held = id === undefined ? undefined : this.#batches.get(id)
    if (id === undefined || held === undefined) return undefined
    if (held.lease !== undefined) {
      // It was never settled: nobody knows what became of it.
      for (const number of held.numbers) endAttempt(this.#item(number), undefined, held.claimedAt)
    }
    const lease = crypto.randomUUID()
    held.lease = lease
    held.claimedAt = nowMs
    held.dueAt = nowMs + leaseMs
    const entries = [...held.numbers].map((number) =>
      beginAttempt(this.#item(number), this.#ledger.at(number), nowMs),
    )
    return { id, sink: this.#sink, lease, entries }
  }

  settle(batch: Batch, results: readonly SinkResult[], nowMs: number): boolean {
    const held = this.#batches.get(batch.id)
    if (held === undefined || held.lease !== batch.lease) return false
    let waitMs = 0
    batch.entries.forEach(({ record }, index) => {
      const number = this.#ledger.numberOf(record.id)
      const result = results[index]
      if (number === undefined || !held.numbers.has(number)) return
      if (result?.status === 'accepted') this.#deliver(number)
      else endAttempt(this.#item(number), result, held.claimedAt)
      if (result?.status === 'rejected') this.#bury(number, result.reason, nowMs)
      if (result?.status === 'retry') waitMs = Math.max(waitMs, result.afterMs ?? 0)
      else if (result !== undefined) held.numbers.delete(number)
    })
    held.lease = undefined
    held.dueAt = nowMs + waitMs
    if (held.numbers.size === 0) this.#batches.delete(batch.id)
    return true
  }

  isSettled(position: number): boolean {
    for (const number of this.#requeued) if (number <= position) return false
    for (const { numbers } of this.#batches.values()) {
      for (const number of numbers) if (number <= position) return false
    }
    return this.#nextFresh(position) === undefined
  }

  nextDueAt(nowMs: number): number | undefined {
    if (this.#requeued.size > 0 || this.#nextFresh(this.#ledger.last) !== undefined) return nowMs
    let dueAt: number | undefined
    for (const held of this.#batches.values()) dueAt = Math.min(held.dueAt, dueAt ?? Infinity)
    return dueAt
  }

  expedite(nowMs: number): void {
    for (const held of this.#batches.values()) {
      if (held.lease === undefined) held.dueAt = Math.min(held.dueAt, nowMs)
    }
  }

  stats(): SinkStats {
    const recorded = this.#ledger.last - this.#missed
    const settled = {
      delivered: this.#delivered,
      dead: this.#dead.size,
      unattributed: this.#ledger.unattributed.size,
      discarded: this.#discarded,
    }
    const { delivered, dead, unattributed, discarded } = settled
    return { recorded, pending: recorded - delivered - dead - unattributed - discarded, ...settled }
  }

  deadLetters(limit: number): DeadLetter[] {
    return [...this.#dead].slice(0, limit).map((number) => {
      const { reason, attempts, failedAt } = this.#item(number)
      return { record: this.#ledger.at(number), sink: this.#sink, reason, attempts, failedAt }
    })
  }

  /** A dead letter starts over, but what the sink already has of it stays known. */
  requeue(ids: readonly string[] | undefined): number {
    const numbers = this.#deadNumbers(ids)
    for (const number of numbers) this.#wait(number, this.#item(number).deliveredEventIds)
    return numbers.length
  }

  discard(ids: readonly string[] | undefined): number {
    const numbers = this.#deadNumbers(ids)
    for (const number of numbers) this.#forget(number)
    this.#discarded += numbers.length
    return numbers.length
  }

  /** A record behind the cursor has got a customer; one ahead of it is met in its turn. */
  attributed(number: number): void {
    if (number <= this.#cursor) this.#wait(number, [])
  }

  hasSettled(number: number): boolean {
    return number <= this.#cursor && this.#ledger.isBillable(number) && !this.#items.has(number)
  }

  #dueBatch(nowMs: number): string | undefined {
    let due: string | undefined
    let dueAt = Infinity
    for (const [id, held] of this.#batches) {
      if (held.dueAt <= nowMs && held.dueAt < dueAt) [due, dueAt] = [id, held.dueAt]
    }
    return due
  }

  #newBatch(limit: number): string | undefined {
    const numbers = new Set<number>()
    for (const number of this.#requeuedByAge()) {
      if (numbers.size >= limit) break
      numbers.add(number)
    }
    while (numbers.size < limit && this.#cursor < this.#ledger.last) {
      if (this.#ledger.isBillable(++this.#cursor)) numbers.add(this.#cursor)
    }
    if (numbers.size === 0) return undefined
    for (const number of numbers) {
      this.#requeued.delete(number)
      this.#items.set(number, {
        ...(this.#items.get(number) ?? freshItem('batched')),
        state: 'batched',
      })
    }
    const id = crypto.randomUUID()
    this.#batches.set(id, { numbers, lease: undefined, claimedAt: 0, dueAt: 0 })
    return id
  }

  #requeuedByAge(): Set<number> {
    if (!this.#requeuedInOrder) {
      this.#requeued = new Set([...this.#requeued].toSorted((a, b) => a - b))
      this.#requeuedInOrder = true
    }
    return this.#requeued
  }

  #deliver(number: number): void {
    this.#forget(number)
    this.#delivered++
  }

  #bury(number: number, reason: string, nowMs: number): void {
    Object.assign(this.#item(number), { state: 'dead', reason, failedAt: nowMs })
    this.#dead.add(number)
  }

  /** The first record after the cursor, up to a mark, that can be claimed. */
  #nextFresh(mark: number): number | undefined {
    for (let number = this.#cursor + 1; number <= mark; number++) {
      if (this.#ledger.isBillable(number)) return number
    }
    return undefined
  }

  #deadNumbers(ids: readonly string[] | undefined): number[] {
    if (ids === undefined) return [...this.#dead]
    const numbers = new Set(ids.map((id) => this.#ledger.numberOf(id) ?? 0))
    return [...numbers].filter((number) => this.#dead.has(number))
  }

  #wait(number: number, deliveredEventIds: readonly string[]): void {
    this.#dead.delete(number)
    this.#items.set(number, { ...freshItem('requeued'), deliveredEventIds })
    this.#requeued.add(number)
    this.#requeuedInOrder = false
  }

  #forget(number: number): void {
    this.#dead.delete(number)
    this.#items.delete(number)
  }

  #item(number: number): MemoryItem {
    const item = this.#items.get(number)
    if (item === undefined) throw new RangeError(`Record ${number} is not on its way to the sink`)
    return item
  }
}
