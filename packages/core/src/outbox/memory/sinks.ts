import type { KnownSink, KnownSinks } from '../known-sinks.ts'
import type { Item } from './items.ts'
import type { Ledger } from './ledger.ts'
import { SinkProgress } from './sink-progress.ts'

/** Which sinks there are, where they begin, and what becomes of one that changes its name. */
export class Sinks {
  readonly #ledger: Ledger
  readonly #sinks: Map<string, SinkProgress>
  readonly #changed: () => void
  readonly #inUse = new Set<string>()
  /** Old names, with the new ones. */
  readonly #renamed = new Map<string, string>()

  /** @param changed more records may be settled with every sink than before. */
  constructor(ledger: Ledger, sinks: Map<string, SinkProgress>, changed: () => void) {
    this.#ledger = ledger
    this.#sinks = sinks
    this.#changed = changed
  }

  isRenamed(sink: string): boolean {
    return this.#renamed.has(sink)
  }

  readonly operations: KnownSinks = {
    sinks: () => [
      ...[...this.#sinks.values()].map(({ sink, mode, value, heldFor }): KnownSink => ({
        name: sink,
        ...(mode !== undefined && { mode }),
        ...(value !== undefined && { value }),
        inUse: this.#inUse.has(sink),
        ...(heldFor.length > 0 && { heldFor }),
      })),
      ...[...this.#renamed].map(([name, renamedTo]) => ({ name, inUse: false, renamedTo })),
    ],
    attend: (sink, mode, value) => {
      if (this.isRenamed(sink)) return
      const progress = this.#sinks.get(sink) ?? new SinkProgress(sink, this.#ledger)
      progress.mode = mode
      progress.value = value
      this.#sinks.set(sink, progress)
      this.#inUse.add(sink)
    },
    leave: (sink) => void this.#inUse.delete(sink),
    registerSink: (sink, { sinceMs = -Infinity, heldFor = [], beforeId = '' }) => {
      const known = this.#sinks.get(sink)
      if (this.isRenamed(sink) || (known !== undefined && known.heldFor.length === 0)) return false
      this.#changed()
      if (known !== undefined) this.#begin(known, this.#firstSince(sinceMs, known.heldTo))
      else {
        const first = heldFor.length > 0 ? 1 : this.#firstSince(sinceMs, this.#ledger.last)
        const progress = new SinkProgress(sink, this.#ledger, first)
        this.#sinks.set(sink, progress)
        const before = (this.#ledger.seqOf(beforeId) ?? this.#ledger.last + 1) - 1
        const [oldest = Infinity] = this.#ledger.after(0)
        if (heldFor.length > 0 && oldest <= before)
          [progress.heldTo, progress.heldFor] = [before, heldFor]
      }
      return true
    },
    removeSink: (sink) => {
      this.#changed()
      this.#inUse.delete(sink)
      for (const progress of this.#sinks.values()) {
        if (!progress.heldFor.includes(sink)) continue
        progress.heldFor = progress.heldFor.filter((name) => name !== sink)
        if (progress.heldFor.length === 0) this.#begin(progress, progress.first)
      }
      const isGone = this.#renamed.delete(sink)
      for (const [from, to] of this.#renamed) if (to === sink) this.#renamed.delete(from)
      return this.#sinks.delete(sink) || isGone
    },
    rename: (from, to) => {
      const old = this.#sinks.get(from)
      const known = this.#sinks.get(to)
      if (old === undefined || from === to) return false
      if (known !== undefined && known.heldFor.length === 0) return false
      this.#changed()
      if (known === undefined) {
        old.sink = to
        this.#sinks.set(to, old)
      } else this.#takePlace(known, old)
      this.#sinks.delete(from)
      this.#inUse.delete(from)
      this.#renamed.delete(to)
      for (const [name, became] of this.#renamed) if (became === from) this.#renamed.set(name, to)
      this.#renamed.set(from, to)
      return true
    },
  }

  #firstSince(sinceMs: number, last: number): number {
    for (const seq of this.#ledger.after(0)) {
      if (seq > last) break
      if (this.#ledger.peek(seq).at >= sinceMs) return seq
    }
    return last + 1
  }

  /** Everything of before is held, whether or not a claim has come to it. */
  #passHeld(progress: SinkProgress): void {
    while (progress.cursor < progress.heldTo) {
      if (this.#ledger.isBillable(++progress.cursor)) progress.items.hold(progress.cursor)
    }
  }

  /** What is held of before goes out from a record on; earlier ones are not counted. */
  #begin(progress: SinkProgress, first: number): void {
    this.#passHeld(progress)
    for (const seq of progress.items.held) {
      if (seq > progress.heldTo) continue
      if (seq >= first) progress.items.release(seq, this.#ledger.uncertainSince(seq))
      else progress.items.takeOver(seq, undefined)
    }
    progress.first = first
    ;[progress.heldTo, progress.heldFor] = [0, []]
    this.#countSkipped(progress)
  }

  /** What is held takes the state that it has with the old one; what came since stays. */
  #takePlace(progress: SinkProgress, old: SinkProgress): void {
    this.#passHeld(progress)
    const moved = new Set<number>()
    for (const seq of progress.items.held) {
      if (seq > progress.heldTo) continue
      const item: Item | undefined = old.items.get(seq)
      moved.add(seq)
      if (item === undefined && seq > old.cursor) {
        progress.items.release(seq, this.#ledger.uncertainSince(seq))
      } else progress.items.takeOver(seq, item)
      const { refusedEventIds } = old.items.knownEvents(seq)
      progress.items.learnEvents(seq, {
        deliveredEventIds: item?.deliveredEventIds ?? [],
        refusedEventIds,
      })
    }
    progress.batches.adopt(old.batches, moved)
    progress.items.delivered += old.items.delivered
    progress.items.discarded += old.items.discarded
    progress.items.covered += old.items.covered
    progress.first = old.first
    ;[progress.heldTo, progress.heldFor] = [0, []]
    this.#countSkipped(progress)
  }

  /** So that the counts add up: pruned records may have been counted by either, or by both. */
  #countSkipped(progress: SinkProgress): void {
    const { items, batches, cursor, first } = progress
    let count = items.requeued.size + batches.count() + items.dead.size + items.held.size
    for (const seq of this.#ledger.after(cursor)) if (this.#ledger.isBillable(seq)) count++
    for (const seq of this.#ledger.unattributed) if (seq >= first) count++
    progress.skipped = this.#ledger.last - count - items.delivered - items.discarded - items.covered
  }
}
