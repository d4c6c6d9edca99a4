import { leaseKey } from './lease-key.ts'
import { type LoadedRows, type Need, NeedsRows, questionOf } from './loaded-rows.ts'
import type { EntryRow, LeaseRows } from './rows.ts'

/** Leases that have ended: those that were loaded, and those that this operation has ended. */
export class CachedLeases implements LeaseRows {
  readonly #loaded: LoadedRows
  readonly #written: ReadonlyMap<string, EntryRow>

  /** @param written the operation's own entries. */
  constructor(loaded: LoadedRows, written: ReadonlyMap<string, EntryRow>) {
    this.#loaded = loaded
    this.#written = written
  }

  of(hold: string): EntryRow | undefined {
    const own = this.#own().find((entry) => entry.hold === hold)
    return own ?? this.#answer<EntryRow | null>({ what: 'leaseEntry', hold }) ?? undefined
  }

  ofJob(job: string): readonly EntryRow[] {
    const own = this.#own().filter(({ ref }) => ref === job)
    const loaded = this.#answer<readonly EntryRow[]>({ what: 'leaseEntriesOfJob', job })
    return [...loaded, ...own].toSorted((a, b) => ((a.hold ?? '') < (b.hold ?? '') ? -1 : 1))
  }

  #own(): readonly EntryRow[] {
    return [...this.#written.values()].filter(
      ({ kind, key, hold }) => kind === 'lease' && hold !== null && key === leaseKey(hold),
    )
  }

  #answer<Answer>(need: Need): Answer {
    const answer = this.#loaded.answers.get(questionOf(need))
    if (answer === undefined) throw new NeedsRows(need)
    return answer as Answer
  }
}
