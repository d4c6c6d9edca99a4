import type { Ledger } from './ledger.ts'
import type { SinkProgress } from './sink-progress.ts'

/** How much more than is needed leaves at once, so that not every append has to look for room. */
const spareShare = 1 / 16

/** Which records may leave a memory outbox, and how many have to. */
export class Evictor {
  readonly #ledger: Ledger
  readonly #sinks: ReadonlyMap<string, SinkProgress>
  readonly #maxSize: number
  readonly #maxRecords: number
  /** The last look found all of what could go, and nothing was settled since. */
  #exhausted = false

  constructor(
    ledger: Ledger,
    sinks: ReadonlyMap<string, SinkProgress>,
    maxSize: number,
    maxRecords: number,
  ) {
    this.#ledger = ledger
    this.#sinks = sinks
    this.#maxSize = maxSize
    this.#maxRecords = maxRecords
  }

  /** More records may be settled with every sink than before. */
  markDirty(): void {
    this.#exhausted = false
  }

  /** False when there is no room for them, whatever leaves. */
  evictFor(records: readonly { readonly body: string }[]): boolean {
    const size = records.reduce((sum, { body }) => sum + body.length, 0)
    const maxSize = this.#maxSize - size
    const maxRecords = this.#maxRecords - records.length
    if (maxSize < 0 || maxRecords < 0) return false
    const fits = (spare: number) =>
      this.#ledger.size <= maxSize - this.#maxSize * spare &&
      (maxRecords === Infinity || this.#ledger.count <= maxRecords - this.#maxRecords * spare)
    if (!fits(0) && !this.#exhausted) {
      this.#exhausted = true
      for (const seq of this.#settled(false)) {
        if (fits(spareShare)) {
          this.#exhausted = false
          break
        }
        this.#remove(seq)
      }
    }
    return fits(0)
  }

  /** Removes what is settled, or held, and older than the mark. */
  prune(beforeMs: number): number {
    let count = 0
    for (const seq of this.#settled(true)) {
      if (this.#ledger.peek(seq).at >= beforeMs) continue
      this.#remove(seq)
      count++
    }
    return count
  }

  /** What every known sink has settled, oldest first; nothing where no sink is known. */
  *#settled(orHeld: boolean): Generator<number> {
    const known = [...this.#sinks.values()]
    if (known.length === 0) return
    for (const seq of this.#ledger.after(0)) {
      if (known.every((progress) => progress.hasSettled(seq, orHeld))) yield seq
    }
  }

  #remove(seq: number): void {
    this.#ledger.delete(seq)
    for (const progress of this.#sinks.values()) progress.pruned(seq)
  }
}
