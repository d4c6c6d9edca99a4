import type { EventsInFlight } from '../../sink/send-progress.ts'

export interface OpenBatch {
  readonly seqs: Set<number>
  /** Absent while the batch waits for its next attempt. */
  lease: string | undefined
  /** Its holder marks what it sends. */
  isMarked: boolean
  /** What may be in flight, by request. */
  readonly marks: Map<number, readonly EventsInFlight[]>
  /** When it was last claimed, in ms since the epoch. */
  claimedAt: number
  /** When the lease ends or the next attempt is due, in ms since the epoch. */
  dueAt: number
}

/** The batches of one sink that are not settled, by id. */
export class Batches {
  readonly #batches = new Map<string, OpenBatch>()

  add(seqs: Set<number>): string {
    const id = crypto.randomUUID()
    this.#batches.set(id, {
      seqs,
      lease: undefined,
      isMarked: false,
      marks: new Map(),
      claimedAt: 0,
      dueAt: 0,
    })
    return id
  }

  get(id: string): OpenBatch | undefined {
    return this.#batches.get(id)
  }

  all(): Iterable<readonly [string, OpenBatch]> {
    return this.#batches
  }

  delete(id: string): void {
    this.#batches.delete(id)
  }

  /** The one that has been due for longest. */
  due(nowMs: number): string | undefined {
    let due: string | undefined
    let dueAt = Infinity
    for (const [id, held] of this.#batches) {
      if (held.dueAt <= nowMs && held.dueAt < dueAt) [due, dueAt] = [id, held.dueAt]
    }
    return due
  }

  nextDueAt(): number | undefined {
    let dueAt: number | undefined
    for (const held of this.#batches.values()) dueAt = Math.min(held.dueAt, dueAt ?? Infinity)
    return dueAt
  }

  expedite(nowMs: number): void {
    for (const held of this.#batches.values()) {
      if (held.lease === undefined) held.dueAt = Math.min(held.dueAt, nowMs)
    }
  }

  /** The one that has a record. */
  of(seq: number): (OpenBatch & { readonly id: string }) | undefined {
    for (const [id, held] of this.#batches) if (held.seqs.has(seq)) return { id, ...held }
    return undefined
  }

  /** Takes a record out of the one that has it. */
  remove(seq: number): void {
    const held = this.of(seq)
    held?.seqs.delete(seq)
    if (held?.seqs.size === 0) this.delete(held.id)
  }

  /** The lowest `seq` that is in one of them; `Infinity` when there is none. */
  lowest(): number {
    let lowest = Infinity
    for (const { seqs } of this.#batches.values()) {
      for (const seq of seqs) lowest = Math.min(lowest, seq)
    }
    return lowest
  }

  /** The batches of another sink, with those of their records that come along. */
  adopt(others: Batches, moved: ReadonlySet<number>): void {
    for (const [id, held] of others.#batches) {
      for (const seq of held.seqs) if (!moved.has(seq)) held.seqs.delete(seq)
      if (held.seqs.size > 0) this.#batches.set(id, held)
    }
  }

  /** How many records are in one of them. */
  count(): number {
    let count = 0
    for (const { seqs } of this.#batches.values()) count += seqs.size
    return count
  }

  /** Whether a record up to the mark is in one of them. */
  holdUpTo(mark: number): boolean {
    for (const { seqs } of this.#batches.values()) {
      for (const seq of seqs) if (seq <= mark) return true
    }
    return false
  }
}
