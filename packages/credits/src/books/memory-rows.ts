import { drawnBefore } from './drawing.ts'
import { MemoryObjects } from './memory-objects.ts'
import type {
  AccountKey,
  AccountRow,
  BookRows,
  EntryRow,
  GrantRow,
  HoldRow,
  NewEntry,
  PoolRow,
} from './rows.ts'

/** The books of a process, which die with it. */
export class MemoryRows implements BookRows {
  readonly objects = new MemoryObjects()
  readonly #accounts: AccountRow[] = []
  readonly #byKey = new Map<string, AccountRow>()
  readonly #grants: GrantRow[] = []
  readonly #grantsOf = new Map<number, GrantRow[]>()
  readonly #holds = new Map<string, HoldRow>()
  readonly #open = new Map<string, HoldRow>()
  readonly #ofJob = new Map<string, Set<HoldRow>>()
  readonly #pools: PoolRow[] = []
  readonly #entries: EntryRow[] = []
  readonly #byEntryKey = new Map<string, EntryRow>()

  end(): void {}

  account(key: AccountKey): AccountRow | undefined {
    return this.#byKey.get(textOf(key))
  }

  accountById(id: number): AccountRow {
    return this.#accounts[id - 1] as AccountRow
  }

  addAccount({ customer, unit, stripeAccount }: AccountKey, at: number): AccountRow {
    const account: AccountRow = {
      id: this.#accounts.length + 1,
      customer,
      unit,
      stripeAccount,
      posted: 0n,
      held: 0n,
      debt: 0n,
      nextDueAt: null,
      blocked: null,
      lastEntry: 0,
      createdAt: at,
    }
    this.#accounts.push(account)
    this.#byKey.set(textOf(account), account)
    this.#grantsOf.set(account.id, [])
    return account
  }

  accountsOf(customer: string): readonly AccountRow[] {
    return this.#accounts.filter((account) => account.customer === customer)
  }

  saveAccount(): void {}

  addGrant(grant: Omit<GrantRow, 'id'>): GrantRow {
    const made = { ...grant, id: this.#grants.length + 1 }
    this.#grants.push(made)
    const all = this.#grantsOf.get(made.account) ?? []
    all.push(made)
    all.sort(drawnBefore)
    return made
  }

  grant(id: number): GrantRow {
    return this.#grants[id - 1] as GrantRow
  }

  grantByKey(account: number, idempotencyKey: string): GrantRow | undefined {
    return this.#grantsOf.get(account)?.find((grant) => grant.idempotencyKey === idempotencyKey)
  }

  grantsOfSource(account: number, source: string): readonly GrantRow[] {
    return (this.#grantsOf.get(account) ?? []).filter((grant) => grant.source === source)
  }

  grants(account: number, state: GrantRow['state']): readonly GrantRow[] {
    return (this.#grantsOf.get(account) ?? []).filter((grant) => grant.state === state)
  }

  saveGrant(): void {}

  hold(id: string): HoldRow | undefined {
    return this.#holds.get(id)
  }

  addHold(hold: HoldRow): void {
    this.#holds.set(hold.id, hold)
    this.#open.set(hold.id, hold)
  }

  saveHold(hold: HoldRow): void {
    const { id, state, job } = hold
    if (state !== 'open') this.#open.delete(id)
    if (job !== null) this.#ofJob.set(job, (this.#ofJob.get(job) ?? new Set()).add(hold))
  }

  holdsOfJob(job: string): readonly HoldRow[] {
    return [...(this.#ofJob.get(job) ?? [])].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  endedLeases(now: number, limit: number): readonly HoldRow[] {
    return [...this.#open.values()]
      .filter(({ leaseUntil }) => leaseUntil <= now)
      .toSorted((a, b) => a.leaseUntil - b.leaseUntil || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
  }

  pool(pool: string, period: string): PoolRow | undefined {
    return this.#pools.find((row) => row.pool === pool && row.period === period)
  }

  lastPool(pool: string): PoolRow | undefined {
    return this.#pools.findLast((row) => row.pool === pool)
  }

  addPool(pool: PoolRow): PoolRow {
    this.#pools.push(pool)
    return pool
  }

  savePool(): void {}

  addEntry(account: AccountRow, entry: NewEntry): void {
    const key = `${account.id} ${entry.key}`
    if (this.#byEntryKey.has(key)) throw new Error(`the entry ${entry.key} is there`)
    account.lastEntry++
    const of = { account: account.id, id: account.lastEntry }
    const made = { hold: null, record: null, ref: null, ...entry, ...of }
    this.#entries.push(made)
    this.#byEntryKey.set(key, made)
  }

  entries(account: number, limit: number, before: number | null): readonly EntryRow[] {
    return this.#entries
      .filter((entry) => entry.account === account && entry.id < (before ?? Infinity))
      .toReversed()
      .slice(0, limit)
  }

  hasEntry(account: number, key: string): boolean {
    return this.#byEntryKey.has(`${account} ${key}`)
  }

  entriesOf(account: number, key: string): readonly EntryRow[] {
    const found: EntryRow[] = []
    for (let count = 0; ; count++) {
      const entry = this.#byEntryKey.get(`${account} ${count === 0 ? key : `${key}:${count}`}`)
      if (entry === undefined) return found
      found.push(entry)
    }
  }

  entriesOfGrant({ id: grant }: GrantRow): readonly EntryRow[] {
    return this.#entries.filter((entry) => entry.grant === grant && entry.kind !== 'usage')
  }

  /** Everything, for who checks the books. */
  all() {
    return {
      accounts: this.#accounts,
      pools: this.#pools,
      grants: this.#grants,
      holds: [...this.#holds.values()].toSorted(
        (a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1),
      ),
      entries: this.#entries.toSorted((a, b) => a.account - b.account || a.id - b.id),
    }
  }
}

function textOf({ customer, unit, stripeAccount }: AccountKey): string {
  return JSON.stringify([customer, unit, stripeAccount])
}
