import type { SinkMode } from '../known-sinks.ts'
import type { SinkValue } from '../../sink/sink.ts'
import type {
  Correction,
  DeadLetter,
  LedgerEntry,
  LedgerPage,
  LedgerQuery,
  RecordState,
  SinkStats,
} from '../outbox.ts'
import { stateOf, type WaitingRecords } from '../rules.ts'
import { Batches } from './batches.ts'
import { Items } from './items.ts'
import type { Ledger } from './ledger.ts'

/**
 * How far one sink has come. Records after the cursor are pending; of those before it, the ones
 * without an item are delivered or unattributed.
 */
export class SinkProgress {
  /** Its name, which can change. */
  sink: string
  mode: SinkMode | undefined
  value: SinkValue | undefined
  /** What is kept up to here is held, because the sink may be one of these under a new name. */
  heldTo = 0
  heldFor: readonly string[] = []
  /** The first record that is counted. */
  first: number
  /** Records that came before it, were pruned before this sink was known, or were taken away. */
  skipped: number
  cursor: number
  readonly #ledger: Ledger
  readonly items = new Items()
  readonly batches = new Batches()

  constructor(sink: string, ledger: Ledger, first = 1) {
    this.sink = sink
    this.#ledger = ledger
    this.first = first
    this.skipped = ledger.last - ledger.countFrom(first)
    this.cursor = first - 1
  }

  isSettled(position: number): boolean {
    for (const seq of this.items.requeued) if (seq <= position) return false
    return !this.batches.holdUpTo(position) && this.#nextFresh(position) === undefined
  }

  nextDueAt(nowMs: number): number | undefined {
    const { requeued } = this.items
    if (requeued.size > 0 || this.#nextFresh(this.#ledger.last) !== undefined) return nowMs
    return this.batches.nextDueAt()
  }

  /** What is in no batch yet. */
  waiting(): WaitingRecords {
    const oldest = this.#nextFresh(this.#ledger.last)
    return {
      anyRequeued: this.items.requeued.size > 0,
      count: this.#ledger.last - this.cursor,
      oldestAt: oldest === undefined ? undefined : this.#ledger.peek(oldest).at,
    }
  }

  stats(): SinkStats {
    const recorded = this.#ledger.last - this.skipped
    const { delivered, dead, discarded, covered } = this.items
    const unattributed = [...this.#ledger.unattributed].filter((seq) => seq >= this.first)
    const held = this.items.held.size
    const settled = { delivered, dead: dead.size, unattributed: unattributed.length, discarded }
    const notPending = delivered + dead.size + unattributed.length + discarded + held + covered
    const pending = recorded - notPending
    const counts = { recorded, pending, ...settled, held, ...(covered > 0 && { covered }) }
    return pending === 0 ? counts : { ...counts, oldestPendingAt: this.#oldestPendingAt() }
  }

  deadLetters(limit: number): DeadLetter[] {
    return [...this.items.dead].slice(0, limit).map((seq) => {
      const { reason = '', refusal, attempts, failedAt } = this.items.at(seq)
      const record = this.#ledger.at(seq)
      return { record, sink: this.sink, reason, ...refusal, attempts, failedAt }
    })
  }

  requeue(ids: readonly string[] | undefined): number {
    const seqs = this.#deadSeqs(ids)
    for (const seq of seqs) this.items.requeue(seq)
    return seqs.length
  }

  discard(ids: readonly string[] | undefined): number {
    const seqs = this.#deadSeqs(ids)
    for (const seq of seqs) this.items.discard(seq)
    return seqs.length
  }

  release(ids?: readonly string[]): number {
    const seqs = this.#heldSeqs(ids)
    for (const seq of seqs) {
      this.items.release(seq, this.#ledger.uncertainSince(seq), true)
    }
    if (ids === undefined) [this.heldTo, this.heldFor] = [0, []]
    return seqs.length
  }

  drop(ids?: readonly string[]): number {
    const seqs = this.#heldSeqs(ids)
    for (const seq of seqs) this.items.discard(seq)
    return seqs.length
  }

  /** The ledger is distrusted too, for what is not claimed yet. Claims under way are of before. */
  distrust(sinceMs: number): void {
    for (const [id, { lease, claimedAt, seqs }] of this.batches.all()) {
      const since = lease === undefined ? sinceMs : Math.min(sinceMs, claimedAt)
      for (const seq of seqs) this.items.distrust(seq, since, id)
    }
    for (const seq of this.items.requeued) this.items.distrust(seq, sinceMs)
  }

  /** The records that wait for the sink. */
  *pending(): Generator<number> {
    for (const seq of this.#ledger.after(0)) {
      if (this.stateOf(seq) === 'pending') yield seq
    }
  }

  /** Returns how many moved. */
  correct(ids: readonly string[], correction: Correction, nowMs: number): number {
    return this.#seqs(ids).filter((seq) => {
      const from = this.stateOf(seq)
      return (
        (from === 'delivered' || from === 'dead' || from === 'discarded' || from === 'covered') &&
        this.items.correct(seq, from, correction, nowMs)
      )
    }).length
  }

  /** Nothing for a record that came before the sink's first. */
  stateOf(seq: number): RecordState | undefined {
    if (seq < this.first) return undefined
    return stateOf({
      hasCustomer: this.#ledger.isBillable(seq),
      itemState: this.items.get(seq)?.state,
      isPassed: seq <= this.cursor,
    })
  }

  statesOf(ids: readonly string[]): readonly (RecordState | undefined)[] {
    return ids.map((id) => {
      const seq = this.#ledger.seqOf(id)
      return seq === undefined ? undefined : this.stateOf(seq)
    })
  }

  /** A page of the ledger, from the sink's first record on. */
  ledgerPage(query: LedgerQuery): LedgerPage {
    const {
      customer,
      fromMs = -Infinity,
      untilMs = Infinity,
      states,
      after = 0,
      limit = 1000,
    } = query
    const entries: LedgerEntry[] = []
    let last = after
    for (const seq of this.#ledger.after(after)) {
      const state = this.stateOf(seq)
      const record = this.#ledger.peek(seq)
      if (state === undefined || states?.includes(state) === false) continue
      if (customer !== undefined && record.customer !== customer) continue
      if (record.at < fromMs || record.at >= untilMs) continue
      if (entries.length >= Math.max(1, limit)) return { entries, next: last }
      entries.push(this.#entry(seq, state))
      last = seq
    }
    return { entries }
  }

  /** A record behind the cursor has got a customer; one ahead of it is met in its turn. */
  attributed(seq: number): void {
    if (seq < this.first || seq > this.cursor) return
    this.items.requeue(seq, this.#ledger.uncertainSince(seq))
  }

  /** @param orHolds whether what is held counts as well. */
  hasSettled(seq: number, orHolds: boolean): boolean {
    if (seq > this.cursor || !this.#ledger.isBillable(seq)) return false
    const state = this.items.get(seq)?.state
    if (state === undefined || state === 'discarded' || state === 'covered') return true
    return orHolds && state === 'held'
  }

  /** Whether the sink certainly has nothing of a record, and is not being sent it now. */
  isUntouched(seq: number): boolean {
    if (seq < this.first || seq > this.cursor) return true
    if (!this.#ledger.isBillable(seq)) return true
    const item = this.items.get(seq)
    if (item?.state === 'held') return true
    if (item === undefined || item.isReleased || item.uncertain.uncertainSince !== undefined)
      return false
    const { deliveredEventIds, refusedEventIds } = this.items.knownEvents(seq)
    if (deliveredEventIds.length + refusedEventIds.length > 0) return false
    if (item.state === 'requeued') return true
    return item.state === 'batched' && this.batches.of(seq)?.lease === undefined
  }

  /** The record is kept somewhere else now, and not counted here any more. */
  left(seq: number): void {
    if (seq < this.first) return
    this.skipped++
    this.batches.remove(seq)
    this.items.leave(seq)
  }

  pruned(seq: number): void {
    this.items.drop(seq)
  }

  #entry(seq: number, state: RecordState): LedgerEntry {
    const { reason, refusal } = this.items.get(seq) ?? {}
    const { deliveredEventIds } = this.items.knownEvents(seq)
    return {
      record: this.#ledger.at(seq),
      state,
      deliveredEventIds,
      ...(reason !== undefined && { reason }),
      ...refusal,
      ...this.items.refusedField(seq),
    }
  }

  /** Only while something is pending. */
  #oldestPendingAt(): number {
    const [requeued = Infinity] = this.items.requeuedByAge()
    const fresh = this.#nextFresh(this.#ledger.last) ?? Infinity
    return this.#ledger.peek(Math.min(requeued, this.batches.lowest(), fresh)).at
  }

  /** The first record after the cursor, up to a mark, that can be claimed. */
  #nextFresh(mark: number): number | undefined {
    for (let seq = this.cursor + 1; seq <= mark; seq++) {
      if (this.#ledger.isBillable(seq)) return seq
    }
    return undefined
  }

  #deadSeqs(ids: readonly string[] | undefined): number[] {
    const { dead } = this.items
    return ids === undefined ? [...dead] : this.#seqs(ids).filter((seq) => dead.has(seq))
  }

  #heldSeqs(ids: readonly string[] | undefined): number[] {
    const { held } = this.items
    return ids === undefined ? [...held] : this.#seqs(ids).filter((seq) => held.has(seq))
  }

  /** In the order in which they came; once each. */
  #seqs(ids: readonly string[]): number[] {
    const seqs = new Set(ids.flatMap((id) => this.#ledger.seqOf(id) ?? []))
    return [...seqs].toSorted((a, b) => a - b)
  }
}
