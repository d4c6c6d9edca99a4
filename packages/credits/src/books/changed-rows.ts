import type { ObjectRow } from './objects.ts'
import type { AccountRow, EntryRow, GrantRow, HoldRow, PoolRow } from './rows.ts'

/** What an operation has written. */
export interface WrittenRows {
  readonly accounts: readonly AccountRow[]
  readonly grants: readonly GrantRow[]
  readonly newGrants: readonly GrantRow[]
  readonly holds: readonly HoldRow[]
  readonly newHolds: readonly HoldRow[]
  readonly endedHolds: readonly HoldRow[]
  readonly pools: readonly PoolRow[]
  readonly newPools: readonly PoolRow[]
  readonly entries: readonly EntryRow[]
  readonly objects: readonly ObjectRow[]
}

/** What an operation has changed by now. */
export class ChangedRows {
  readonly accounts = new Set<AccountRow>()
  readonly grants = new Set<GrantRow>()
  readonly newGrants = new Set<GrantRow>()
  readonly holds = new Set<HoldRow>()
  readonly newHolds = new Set<HoldRow>()
  readonly endedHolds = new Set<HoldRow>()
  readonly pools = new Set<PoolRow>()
  readonly newPools = new Set<PoolRow>()

  /** All of it, each row once: one statement cannot change a row twice. */
  written(entries: readonly EntryRow[], objects: readonly ObjectRow[]): WrittenRows {
    const { accounts, grants, newGrants, holds, newHolds, endedHolds, pools, newPools } = this
    const without = <Row>(changed: Set<Row>, ...others: Set<Row>[]) =>
      [...changed].filter((row) => !others.some((other) => other.has(row)))
    return {
      accounts: [...accounts],
      grants: without(grants, newGrants),
      newGrants: [...newGrants],
      holds: without(holds, newHolds, endedHolds),
      newHolds: without(newHolds, endedHolds),
      // One that begins and ends in one operation leaves its name, and deletes nothing.
      endedHolds: [...endedHolds],
      pools: without(pools, newPools),
      newPools: [...newPools],
      entries,
      objects,
    }
  }
}
