import { drawnBefore } from './drawing.ts'
import { isErasedWith } from './erased.ts'
import { MemoryEntries } from './memory-entries.ts'
import { MemoryObjects } from './memory-objects.ts'
import type {
  AccountKey,
  AccountPlans,
  AccountRow,
  BookRows,
  EndedHold,
  EntryRow,
  GrantRow,
  HoldRow,
  LeaseRows,
  NewEntry,
  PoolRow,
} from './rows.ts'

/** How many names of ended holds are kept. */
const keptNames = 10_000

/**
 * The books of a process, which die with it. Of an account that has very many entries the oldest of
 * usage are kept as their sums, and can be taken back no more.
 */
export class MemoryRows implements BookRows {
  readonly objects: MemoryObjects = new MemoryObjects(
    (undo) => void this.#undo.push(undo),
    (of): number | undefined => this.#accounts.find((one) => isErasedWith(this, one, of))?.id,
  )
  readonly #entries: MemoryEntries
  readonly leases: LeaseRows
  plans?: AccountPlans
  readonly #accounts: AccountRow[] = []
  readonly #byKey = new Map<string, AccountRow>()
  readonly #grants: GrantRow[] = []
  readonly #grantsOf = new Map<number, GrantRow[]>()
  readonly #holds = new Map<string, HoldRow>()
  readonly #endedHolds = new Map<string, EndedHold>()
  readonly #pools: PoolRow[] = []

  /** Rows that this operation was given, as they were before. */
  readonly #before = new Map<object, object>()
  /** What takes back what it has added and removed. */
  readonly #undo: (() => void)[] = []

  constructor(keptEntries?: number) {
    this.#entries = new MemoryEntries(keptEntries)
    this.leases = this.#entries.leases
  }

  end(): void {
    this.#before.clear()
    this.#undo.length = 0
  }

  undone(): void {
    for (const [row, before] of this.#before) Object.assign(row, before)
    for (const undo of this.#undo.toReversed()) undo()
    this.end()
  }

  #own<Row extends object>(row: Row): Row {
    if (!this.#before.has(row)) this.#before.set(row, { ...row })
    return row
  }

  account(key: AccountKey): AccountRow | undefined {
    const account = this.#byKey.get(textOf(key))
    return account && this.#own(account)
  }

  accountById(id: number): AccountRow {
    return this.#own(this.#accounts[id - 1] as AccountRow)
  }

  addAccount({ customer, unit, stripeAccount }: AccountKey, at: number): AccountRow {
    const account: AccountRow = {
      id: this.#accounts.length + 1,
      customer,
      unit,
      stripeAccount,
      collect: 'prepaid',
      debt: 0n,
      nextDueAt: null,
      blocked: null,
      lastEntry: 0,
      createdAt: at,
    }
    this.#accounts.push(account)
    this.#byKey.set(textOf(account), account)
    this.#undo.push(() => {
      this.#accounts.pop()
      this.#byKey.delete(textOf(account))
    })
    return account
  }

  accountsOf(customer: string): readonly AccountRow[] {
    return this.#accounts
      .filter((account) => account.customer === customer)
      .map((account) => this.#own(account))
  }

  saveAccount(): void {}

  addGrant(grant: Omit<GrantRow, 'id'>): GrantRow {
    const made = { ...grant, id: this.#grants.length + 1 }
    const all = this.#grantsOf.get(made.account) ?? []
    this.#grants.push(made)
    this.#grantsOf.set(made.account, all)
    all.push(made)
    all.sort(drawnBefore)
    this.#undo.push(() => {
      this.#grants.pop()
      all.splice(all.indexOf(made), 1)
    })
    return made
  }

  grant(id: number): GrantRow {
    return this.#own(this.#grants[id - 1] as GrantRow)
  }

  grantByKey(account: number, idempotencyKey: string): GrantRow | undefined {
    return this.#grantsWhere(account, (grant) => grant.idempotencyKey === idempotencyKey)[0]
  }

  grantsOfSource(account: number, source: string): readonly GrantRow[] {
    return this.#grantsWhere(account, (grant) => grant.source === source)
  }

  grants(account: number, state: GrantRow['state']): readonly GrantRow[] {
    return this.#grantsWhere(account, (grant) => grant.state === state)
  }

  expiredHeld(account: number): readonly GrantRow[] {
    return this.#grantsWhere(account, ({ state, held }) => state === 'expired' && held > 0n)
  }

  #grantsWhere(account: number, isOne: (grant: GrantRow) => boolean): readonly GrantRow[] {
    const found = (this.#grantsOf.get(account) ?? []).filter(isOne)
    return found.map((grant) => this.#own(grant))
  }

  saveGrant(): void {}

  hold(id: string): HoldRow | undefined {
    const hold = this.#holds.get(id)
    return hold && this.#own(hold)
  }

  holdsOfJob(job: string): readonly HoldRow[] {
    return [...this.#holds.values()]
      .filter((hold) => hold.job === job)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map((hold) => this.#own(hold))
  }

  addHold(hold: HoldRow): void {
    this.#holds.set(hold.id, hold)
    this.#undo.push(() => this.#holds.delete(hold.id))
  }

  saveHold(): void {}

  endHold(hold: HoldRow): void {
    const { id, account, amount } = hold
    this.#holds.delete(id)
    this.#undo.push(() => this.#holds.set(id, hold))
    if (!hold.isNamed) return
    this.#endedHolds.set(id, { id, account, amount })
    this.#undo.push(() => this.#endedHolds.delete(id))
    if (this.#endedHolds.size <= keptNames) return
    const [oldest] = this.#endedHolds.keys()
    if (oldest !== undefined) this.#endedHolds.delete(oldest)
  }

  endedHold(id: string): EndedHold | undefined {
    return this.#endedHolds.get(id)
  }

  renewHolds(ids: readonly string[], leaseUntil: number): readonly string[] {
    return ids.filter((id) => {
      const hold = this.hold(id)
      if (hold === undefined) return false
      hold.leaseUntil = Math.max(hold.leaseUntil, leaseUntil)
      return true
    })
  }

  endedLeases(now: number, limit: number, account?: number): readonly HoldRow[] {
    return [...this.#holds.values()]
      .filter((hold) => hold.leaseUntil <= now)
      .filter((hold) => account === undefined || hold.account === account)
      .toSorted((a, b) => a.leaseUntil - b.leaseUntil || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map((hold) => this.#own(hold))
  }

  dueAccounts(now: number, limit: number): readonly AccountRow[] {
    return this.#accounts
      .filter(({ nextDueAt }) => nextDueAt !== null && nextDueAt <= now)
      .toSorted((a, b) => (a.nextDueAt as number) - (b.nextDueAt as number) || a.id - b.id)
      .slice(0, limit)
      .map((account) => this.#own(account))
  }

  nextSweepAt(): number | null {
    const leases = [...this.#holds.values()].map(({ leaseUntil }) => leaseUntil)
    const due = this.#accounts.map(({ nextDueAt }) => nextDueAt ?? Infinity)
    const next = [...leases, ...due].reduce((a, b) => Math.min(a, b), Infinity)
    return Number.isFinite(next) ? next : null
  }

  pool(pool: string, period: string): PoolRow | undefined {
    const found = this.#pools.find((row) => row.pool === pool && row.period === period)
    return found && this.#own(found)
  }

  lastPool(pool: string): PoolRow | undefined {
    const found = this.#pools.findLast((row) => row.pool === pool)
    return found && this.#own(found)
  }

  addPool(pool: PoolRow): PoolRow {
    this.#pools.push(pool)
    this.#undo.push(() => void this.#pools.pop())
    return pool
  }

  savePool(): void {}

  addEntry(account: AccountRow, entry: NewEntry): void {
    this.#undo.push(this.#entries.add(this.#own(account), entry))
  }

  entries(account: number, limit: number, before: number | null): readonly EntryRow[] {
    const found = this.#entries.of(account).filter(({ id }) => id < (before ?? Infinity))
    return found.toReversed().slice(0, limit)
  }

  hasEntry(account: number, key: string): boolean {
    return this.#entries.get(account, key) !== undefined
  }

  entriesOf(account: number, key: string): readonly EntryRow[] {
    const found: EntryRow[] = []
    for (let count = 0; ; count++) {
      const entry = this.#entries.get(account, count === 0 ? key : `${key}:${count}`)
      if (entry === undefined) return found
      found.push(entry)
    }
  }

  entriesOfGrant({ id, account }: GrantRow): readonly EntryRow[] {
    return this.#entries.of(account).filter(({ grant, kind }) => grant === id && kind !== 'usage')
  }

  /** From now on it is somebody else's. */
  rename(account: AccountRow, customer: string): void {
    this.#byKey.delete(textOf(account))
    account.customer = customer
    this.#byKey.set(textOf(account), account)
  }

  sums() {
    return this.all()
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
      endedHolds: [...this.#endedHolds.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      entries: this.#accounts.flatMap(({ id }) => this.#entries.of(id)),
    }
  }
}

function textOf({ customer, unit, stripeAccount }: AccountKey): string {
  return JSON.stringify([customer, unit, stripeAccount])
}
