/**
 * Rows of a store that is asked asynchronously, for operations that are synchronous: what was loaded
 * is read and written here, and what was not makes the operation begin again once it is. Nothing
 * reaches the store before the operation has ended, so that beginning again costs nothing.
 */
import { CachedLeases } from './cached-leases.ts'
import { CachedObjects } from './cached-objects.ts'
import { ChangedRows, type WrittenRows } from './changed-rows.ts'
import { drawnBefore } from './drawing.ts'
import {
  entryName,
  type LoadedRows,
  type Need,
  NeedsRows,
  plainKey,
  poolName,
  questionOf,
} from './loaded-rows.ts'
import type {
  AccountKey,
  AccountPlans,
  AccountRow,
  BookRows,
  EndedHold,
  EntryRow,
  GrantRow,
  GrantState,
  HoldRow,
  NewEntry,
  PoolRow,
} from './rows.ts'

/** One try of an operation. */
export class CachedRows implements BookRows {
  readonly leases: CachedLeases
  readonly objects: CachedObjects
  plans?: AccountPlans
  readonly #loaded: LoadedRows
  readonly #accounts = new Map<number, AccountRow>()
  readonly #grants = new Map<number, GrantRow>()
  readonly #holds = new Map<string, HoldRow>()
  readonly #pools = new Map<string, PoolRow>()
  readonly #entries = new Map<string, EntryRow>()
  readonly #changed = new ChangedRows()
  #usedGrantIds = 0

  constructor(loaded: LoadedRows) {
    this.#loaded = loaded
    this.leases = new CachedLeases(loaded, this.#entries)
    this.objects = new CachedObjects(loaded)
  }

  /** What has to be written. */
  written(): WrittenRows {
    return this.#changed.written([...this.#entries.values()], this.objects.saved)
  }

  end(): void {}

  account(key: AccountKey): AccountRow | undefined {
    const id = this.#answer<number | null>({ what: 'account', key: plainKey(key) })
    return id === null ? undefined : this.accountById(id)
  }

  accountById(id: number): AccountRow {
    return this.#own(this.#accounts, this.#loaded.accounts, id, { what: 'accountById', id })
  }

  addAccount(key: AccountKey, at: number): AccountRow {
    return this.accountById(this.#answer<number>({ what: 'newAccount', key: plainKey(key), at }))
  }

  accountsOf(customer: string): readonly AccountRow[] {
    const ids = this.#answer<readonly number[]>({ what: 'accountsOf', customer })
    return ids.map((id) => this.accountById(id))
  }

  saveAccount(account: AccountRow): void {
    this.#changed.accounts.add(account)
  }

  addGrant(grant: Omit<GrantRow, 'id'>): GrantRow {
    const ids = this.#loaded.answers.get('newGrantIds') as readonly number[] | undefined
    const id = ids?.[this.#usedGrantIds]
    if (id === undefined) throw new NeedsRows({ what: 'newGrantId' })
    this.#usedGrantIds++
    const made = { ...grant, id }
    this.#grants.set(id, made)
    this.#changed.newGrants.add(made)
    return made
  }

  grant(id: number): GrantRow {
    return this.#own(this.#grants, this.#loaded.grants, id, { what: 'grant', id })
  }

  grantByKey(account: number, key: string): GrantRow | undefined {
    const made = [...this.#changed.newGrants].find(
      (grant) => grant.account === account && grant.idempotencyKey === key,
    )
    if (made !== undefined) return made
    const id = this.#answer<number | null>({ what: 'grantByKey', account, key })
    return id === null ? undefined : this.grant(id)
  }

  grantsOfSource(account: number, source: string): readonly GrantRow[] {
    const ids = this.#answer<readonly number[]>({ what: 'grantsOfSource', account, source })
    const made = [...this.#changed.newGrants].filter(
      (grant) => grant.account === account && grant.source === source,
    )
    return [...ids.map((id) => this.grant(id)), ...made].toSorted(drawnBefore)
  }

  grants(account: number, state: GrantState): readonly GrantRow[] {
    const ids = this.#answer<readonly number[]>({ what: 'grantsInUse', account })
    const made = [...this.#changed.newGrants].filter((grant) => grant.account === account)
    return [...ids.map((id) => this.grant(id)), ...made]
      .filter((grant) => grant.state === state)
      .toSorted(drawnBefore)
  }

  saveGrant(grant: GrantRow): void {
    this.#changed.grants.add(grant)
  }

  expiredHeld(account: number): readonly GrantRow[] {
    const ids = this.#answer<readonly number[]>({ what: 'expiredHeld', account })
    const all = new Set([...ids.map((id) => this.grant(id)), ...this.#grants.values()])
    return [...all].filter(
      (grant) => grant.account === account && grant.state === 'expired' && grant.held > 0n,
    )
  }

  hold(id: string): HoldRow | undefined {
    const known = this.#holds.get(id)
    if (known !== undefined) return this.#unlessEnded(known)
    const need: Need = { what: 'hold', id }
    if (!this.#answer<boolean>(need)) return undefined
    return this.#unlessEnded(this.#own(this.#holds, this.#loaded.holds, id, need))
  }

  holdsOfJob(job: string): readonly HoldRow[] {
    const ids = this.#answer<readonly string[]>({ what: 'holdsOfJob', job })
    const own = [...this.#changed.holds].filter((hold) => hold.job === job).map(({ id }) => id)
    return [...new Set([...ids, ...own])]
      .toSorted()
      .flatMap((id) => this.hold(id) ?? [])
      .filter((hold) => hold.job === job)
  }

  #unlessEnded(hold: HoldRow): HoldRow | undefined {
    return this.#changed.endedHolds.has(hold) ? undefined : hold
  }

  addHold(hold: HoldRow): void {
    this.#holds.set(hold.id, hold)
    this.#changed.newHolds.add(hold)
  }

  saveHold(hold: HoldRow): void {
    this.#changed.holds.add(hold)
  }

  endHold(hold: HoldRow): void {
    this.#changed.endedHolds.add(hold)
  }

  endedHold(id: string): EndedHold | undefined {
    const known = this.#holds.get(id)
    if (known !== undefined && this.#changed.endedHolds.has(known)) return known
    return this.#answer<EndedHold | null>({ what: 'endedHold', id }) ?? undefined
  }

  renewHolds(ids: readonly string[], leaseUntil: number): readonly string[] {
    // Asked for before it is known what they are: all at once.
    this.#answer({ what: 'holds', ids: ids.toSorted() })
    return ids.filter((id) => {
      const hold = this.hold(id)
      if (hold === undefined) return false
      if (hold.leaseUntil >= leaseUntil) return true
      hold.leaseUntil = leaseUntil
      this.saveHold(hold)
      return true
    })
  }

  endedLeases(now: number, limit: number, account?: number): readonly HoldRow[] {
    const ids = this.#answer<readonly string[]>({ what: 'endedLeases', now, limit, account })
    return ids.flatMap((id) => this.hold(id) ?? []).filter(({ leaseUntil }) => leaseUntil <= now)
  }

  dueAccounts(now: number, limit: number): readonly AccountRow[] {
    const ids = this.#answer<readonly number[]>({ what: 'dueAccounts', now, limit })
    return ids.map((id) => this.accountById(id))
  }

  nextSweepAt(): number | null {
    // What this operation has ended is looked at once more, when nothing is found.
    return this.#answer<number | null>({ what: 'nextSweep' })
  }

  pool(pool: string, period: string): PoolRow | undefined {
    const name = poolName(pool, period)
    const known = this.#pools.get(name)
    if (known !== undefined) return known
    const need: Need = { what: 'pool', pool, period }
    const isThere = this.#answer<boolean>(need)
    return isThere ? this.#own(this.#pools, this.#loaded.pools, name, need) : undefined
  }

  lastPool(pool: string): PoolRow | undefined {
    const made = [...this.#changed.newPools].findLast((row) => row.pool === pool)
    if (made !== undefined) return made
    const period = this.#answer<string | null>({ what: 'lastPool', pool })
    return period === null ? undefined : this.pool(pool, period)
  }

  addPool(pool: PoolRow): PoolRow {
    this.#pools.set(poolName(pool.pool, pool.period), pool)
    this.#changed.newPools.add(pool)
    return pool
  }

  savePool(pool: PoolRow): void {
    this.#changed.pools.add(pool)
  }

  addEntry(account: AccountRow, entry: NewEntry): void {
    account.lastEntry++
    const of = { account: account.id, id: account.lastEntry }
    this.#entries.set(entryName(account.id, entry.key), {
      hold: null,
      record: null,
      pools: null,
      ref: null,
      ...entry,
      ...of,
    })
  }

  entries(account: number, limit: number, before: number | null): readonly EntryRow[] {
    const isAsked = (one: EntryRow) => one.account === account && one.id < (before ?? Infinity)
    const own = [...this.#entries.values()].filter(isAsked).toSorted((a, b) => b.id - a.id)
    const loaded = this.#answer<readonly EntryRow[]>({ what: 'entries', account, limit, before })
    return [...own, ...loaded].slice(0, limit)
  }

  hasEntry(account: number, key: string): boolean {
    return this.#entry(account, key) !== null
  }

  entriesOf(account: number, key: string): readonly EntryRow[] {
    const found: EntryRow[] = []
    for (let count = 0; ; count++) {
      const entry = this.#entry(account, count === 0 ? key : `${key}:${count}`)
      if (entry === null) return found
      found.push(entry)
    }
  }

  entriesOfGrant({ id: grant, account }: GrantRow): readonly EntryRow[] {
    const own = [...this.#entries.values()].filter(
      (entry) => entry.grant === grant && entry.kind !== 'usage',
    )
    const need: Need = { what: 'entriesOfGrant', account, grant }
    return [...this.#answer<readonly EntryRow[]>(need), ...own]
  }

  #entry(account: number, key: string): EntryRow | null {
    const name = entryName(account, key)
    const own = this.#entries.get(name)
    if (own !== undefined) return own
    const loaded = this.#loaded.entries.get(name)
    if (loaded === undefined) throw new NeedsRows({ what: 'entriesOf', account, key })
    return loaded
  }

  #answer<Answer>(need: Need): Answer {
    const answer = this.#loaded.answers.get(questionOf(need))
    if (answer === undefined) throw new NeedsRows(need)
    return answer as Answer
  }

  /** A copy of a loaded row: what a try does to it is gone with the try. */
  #own<Id, Row extends object>(
    own: Map<Id, Row>,
    loaded: ReadonlyMap<Id, Row>,
    id: Id,
    need: Need,
  ): Row {
    const known = own.get(id)
    if (known !== undefined) return known
    const row = loaded.get(id)
    if (row === undefined) throw new NeedsRows(need)
    const copy = { ...row }
    own.set(id, copy)
    return copy
  }
}
