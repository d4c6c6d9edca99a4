import { leaseKey } from './lease-key.ts'
import type { AccountRow, EntryRow, LeaseRows, NewEntry } from './rows.ts'

/** How many entries of an account are kept one by one at least; twice as many at most. */
const defaultKept = 10_000

/** Entries in memory. Of an account that has very many, the oldest of usage are kept as their sums. */
export class MemoryEntries {
  readonly #kept: number
  readonly #of = new Map<number, EntryRow[]>()
  readonly #byKey = new Map<string, EntryRow>()
  /** By hold: the first entry of those whose lease has ended. */
  readonly #leases = new Map<string, EntryRow>()
  readonly leases: LeaseRows = {
    of: (hold) => this.#leases.get(hold),
    ofJob: (job) =>
      [...this.#leases.values()]
        .filter(({ ref }) => ref === job)
        .toSorted((a, b) => ((a.hold ?? '') < (b.hold ?? '') ? -1 : 1)),
  }

  constructor(kept = defaultKept) {
    this.#kept = kept
  }

  /** In the order in which they were added. */
  of(account: number): readonly EntryRow[] {
    return this.#of.get(account) ?? []
  }

  get(account: number, key: string): EntryRow | undefined {
    return this.#byKey.get(`${account} ${key}`)
  }

  /** Returns what takes it away again, which is done before anything else is added. */
  add(account: AccountRow, entry: NewEntry): () => void {
    const key = `${account.id} ${entry.key}`
    if (this.#byKey.has(key)) throw new Error(`the entry ${entry.key} is there`)
    account.lastEntry++
    const of = { account: account.id, id: account.lastEntry }
    const made = { hold: null, record: null, pools: null, ref: null, ...entry, ...of }
    const all = this.#of.get(account.id) ?? []
    this.#of.set(account.id, all)
    all.push(made)
    this.#byKey.set(key, made)
    const { hold } = made
    const isOfLease = hold !== null && made.kind === 'lease' && made.key === leaseKey(hold)
    if (isOfLease) this.#leases.set(hold, made)
    if (all.length > 2 * this.#kept) this.#fold(account.id, all)
    return () => {
      all.pop()
      this.#byKey.delete(key)
      if (isOfLease) this.#leases.delete(hold)
    }
  }

  /** Makes one entry of the oldest of usage, for each grant and pools. */
  #fold(account: number, all: EntryRow[]): void {
    const old = all.splice(0, all.length - this.#kept)
    const kept: EntryRow[] = []
    const sums = new Map<string, EntryRow>()
    for (const entry of old) {
      const { kind, grant, pools } = entry
      if (kind !== 'usage' && kind !== 'debt') {
        kept.push(entry)
        continue
      }
      this.#byKey.delete(`${account} ${entry.key}`)
      const key = `folded:${JSON.stringify([kind, grant, pools])}`
      const amount = (sums.get(key)?.amount ?? 0n) + entry.amount
      sums.set(key, { ...entry, amount, key, hold: null, record: null, ref: null })
    }
    all.unshift(...[...sums.values(), ...kept].toSorted((a, b) => a.id - b.id))
    for (const entry of sums.values()) this.#byKey.set(`${account} ${entry.key}`, entry)
  }
}
