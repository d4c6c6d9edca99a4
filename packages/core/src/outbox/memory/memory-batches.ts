import type { EventsInFlight } from '../../sink/send-progress.ts'

export interface HeldBatch {
  readonly numbers: Set<number>
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
export class MemoryBatches {
  readonly #batches = new Map<string, HeldBatch>()

  add(numbers: Set<number>): string {
    const id = crypto.randomUUID()
    this.#batches.set(id, {
      numbers,
      lease: undefined,
      isMarked: false,
      marks: new Map(),
      claimedAt: 0,
      dueAt: 0,
    })
    return id
  }

  get(id: string): HeldBatch | undefined {
    return this.#batches.get(id)
  }

  all(): Iterable<readonly [string, HeldBatch]> {
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
  of(number: number): (HeldBatch & { readonly id: string }) | undefined {
    for (const [id, held] of this.#batches) if (held.numbers.has(number)) return { id, ...held }
    return undefined
  }

  /** Takes a record out of the one that has it. */
  remove(number: number): void {
    const held = this.of(number)
    held?.numbers.delete(number)
    if (held?.numbers.size === 0) this.delete(held.id)
  }

  /** The lowest number that is in one of them; `Infinity` when there is none. */
  lowest(): number {
    let lowest = Infinity
    for (const { numbers } of this.#batches.values()) {
      for (const number of numbers) lowest = Math.min(lowest, number)
    }
    return lowest
  }

  /** The batches of another sink, with those of their records that come along. */
  adopt(others: MemoryBatches, moved: ReadonlySet<number>): void {
    for (const [id, held] of others.#batches) {
      for (const number of held.numbers) if (!moved.has(number)) held.numbers.delete(number)
      if (held.numbers.size > 0) this.#batches.set(id, held)
    }
  }

  /** How many records are in one of them. */
  count(): number {
    let count = 0
    for (const { numbers } of this.#batches.values()) count += numbers.size
    return count
  }

  /** Whether a record up to the mark is in one of them. */
  holdUpTo(mark: number): boolean {
    for (const { numbers } of this.#batches.values()) {
      for (const number of numbers) if (number <= mark) return true
    }
    return false
  }
}
