import type { MemoryLedger } from './memory-ledger.ts'
import type { MemoryProgress } from './memory-progress.ts'

/** How much more than is needed leaves at once, so that not every append has to look for room. */
const spareShare = 1 / 16

/** Which records may leave a memory outbox, and how many have to. */
export class MemoryRoom {
  readonly #ledger: MemoryLedger
  readonly #sinks: ReadonlyMap<string, MemoryProgress>
  readonly #maxSize: number
  readonly #maxRecords: number
  /** The last look found all of what could go, and nothing was settled since. */
  #exhausted = false

  constructor(
    ledger: MemoryLedger,
    sinks: ReadonlyMap<string, MemoryProgress>,
    maxSize: number,
    maxRecords: number,
  ) {
    this.#ledger = ledger
    this.#sinks = sinks
    this.#maxSize = maxSize
    this.#maxRecords = maxRecords
  }

  /** More records may be settled with every sink than before. */
  mayHaveGrown(): void {
    this.#exhausted = false
  }

  /** False when there is no room for them, whatever leaves. */
  makeFor(records: readonly { readonly body: string }[]): boolean {
    const size = records.reduce((sum, { body }) => sum + body.length, 0)
    const most = this.#maxSize - size
    const mostRecords = this.#maxRecords - records.length
    if (most < 0 || mostRecords < 0) return false
    const fits = (spare: number) =>
      this.#ledger.size <= most - this.#maxSize * spare &&
      (mostRecords === Infinity || this.#ledger.count <= mostRecords - this.#maxRecords * spare)
    if (!fits(0) && !this.#exhausted) {
      this.#exhausted = true
      for (const number of this.#settled(false)) {
        if (fits(spareShare)) {
          this.#exhausted = false
          break
        }
        this.#remove(number)
      }
    }
    return fits(0)
  }

  /** Removes what is settled, or held, and older than the mark. */
  prune(beforeMs: number): number {
    let count = 0
    for (const number of this.#settled(true)) {
      if (this.#ledger.glance(number).at >= beforeMs) continue
      this.#remove(number)
      count++
    }
    return count
  }

  /** What every known sink has settled, oldest first; nothing where no sink is known. */
  *#settled(orHeld: boolean): Generator<number> {
    const known = [...this.#sinks.values()]
    if (known.length === 0) return
    for (const number of this.#ledger.after(0)) {
      if (known.every((progress) => progress.hasSettled(number, orHeld))) yield number
    }
  }

  #remove(number: number): void {
    this.#ledger.delete(number)
    for (const progress of this.#sinks.values()) progress.pruned(number)
  }
}
