import { type Columns, toAccount, toEntry, toHold, toPool } from './columns.ts'
import { entryName, type LoadedRows, type Need, poolName, questionOf } from './loaded-rows.ts'
import type { AccountRow, GrantRow, PoolPeriod } from './rows.ts'

/** Keeps what a database has answered where operations find it. */
export class KeptRows {
  readonly loaded: LoadedRows

  constructor(loaded: LoadedRows) {
    this.loaded = loaded
  }

  answer(need: Need, value: unknown): void {
    this.loaded.answers.set(questionOf(need), value)
  }

  /** One that is there already is what it was: it has been locked since. */
  keepAccounts(rows: readonly Columns[]): readonly AccountRow[] {
    return rows.map((row) => {
      const known = this.loaded.accounts.get(Number(row['id']))
      if (known !== undefined) return known
      const account = toAccount(row)
      this.loaded.accounts.set(account.id, account)
      return account
    })
  }

  keepGrantsInUse(grants: readonly GrantRow[], accounts: readonly number[]): void {
    for (const grant of grants) this.loaded.grants.set(grant.id, grant)
    for (const account of accounts) {
      const own = grants.filter((grant) => grant.account === account).map(({ id }) => id)
      this.answer({ what: 'grantsInUse', account }, own)
    }
  }

  keepHolds(rows: readonly Columns[], ids: readonly string[], jobs: readonly string[]): void {
    const holds = rows.map(toHold)
    for (const id of ids) this.answer({ what: 'hold', id }, false)
    for (const job of jobs) {
      const own = holds.filter((hold) => hold.job === job).map(({ id }) => id)
      this.answer({ what: 'holdsOfJob', job }, own)
    }
    for (const hold of holds) {
      this.loaded.holds.set(hold.id, hold)
      this.answer({ what: 'hold', id: hold.id }, true)
    }
  }

  /** What there is of those that are asked for when their hold is not open. */
  keepLeases(rows: readonly Columns[], ids: readonly string[], jobs: readonly string[]): void {
    const leases = rows.map(toEntry)
    for (const hold of ids) {
      const own = leases.find((lease) => lease.hold === hold)
      this.answer({ what: 'leaseEntry', hold }, own ?? null)
    }
    for (const job of jobs) {
      const own = leases.filter(({ ref }) => ref === job)
      this.answer({ what: 'leaseEntriesOfJob', job }, own)
    }
  }

  keepPools(rows: readonly Columns[], pools: readonly PoolPeriod[]): void {
    for (const [pool, period] of pools) this.answer({ what: 'pool', pool, period }, false)
    for (const pool of rows.map(toPool)) {
      this.loaded.pools.set(poolName(pool.pool, pool.period), pool)
      this.answer({ what: 'pool', pool: pool.pool, period: pool.period }, true)
    }
  }

  keepEntries(
    rows: readonly Columns[],
    accounts: readonly number[],
    keys: readonly string[],
  ): void {
    for (const account of accounts) {
      for (const key of keys) this.loaded.entries.set(entryName(account, key), null)
    }
    for (const entry of rows.map(toEntry)) {
      this.loaded.entries.set(entryName(entry.account, entry.key), entry)
    }
  }
}
