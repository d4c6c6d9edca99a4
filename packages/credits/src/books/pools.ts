/**
 * Limits that several customers and keys share, for a period: what is held and spent under each is
 * counted beside the account's own credit, in the same transaction.
 */
import { poolName } from './loaded-rows.ts'
import type { BookRows, PoolPeriod, PoolRow } from './rows.ts'

/** A pool that a hold is under, in the period in which it is made. */
export interface PoolLimit {
  readonly pool: string
  readonly period: string
  readonly limit: bigint
  /** What is over its limit is held all the same, and told. */
  readonly isSoft: boolean
  /** What the last period left is added to the limit. */
  readonly rollover: boolean
}

/** A pool as it is in a period, whether anything was held in it yet or not. */
export function poolAsItIs(rows: BookRows, { pool, period, limit, rollover }: PoolLimit): PoolRow {
  const known = rows.pool(pool, period)
  // The application may have another limit by now.
  if (known !== undefined) return { ...known, limit }
  const last = rollover ? rows.lastPool(pool) : undefined
  const left = last === undefined ? 0n : leftOf(last)
  const carried = left > 0n ? left : 0n
  return { pool, period, limit, carried, spent: 0n, held: 0n }
}

/** The same to be changed, made where nothing was held in it yet. */
function openPool(rows: BookRows, limit: PoolLimit): PoolRow {
  const known = rows.pool(limit.pool, limit.period)
  if (known === undefined) return rows.addPool(poolAsItIs(rows, limit))
  known.limit = limit.limit
  return known
}

/** What a pool has left in its period. Below 0 where it is soft, or calls used more than they held. */
export function leftOf({ limit, carried, spent, held }: PoolRow): bigint {
  return limit + carried - spent - held
}

/** The first pool that an amount is too much for. */
export function exceededPool(
  rows: BookRows,
  limits: readonly PoolLimit[],
  amount: bigint,
): PoolRow | undefined {
  for (const limit of limits) {
    if (limit.isSoft) continue
    const row = poolAsItIs(rows, limit)
    if (leftOf(row) < amount) return row
  }
  return undefined
}

/** Returns the pools, each once, however often it is named. */
export function holdInPools(
  rows: BookRows,
  limits: readonly PoolLimit[],
  amount: bigint,
): readonly PoolPeriod[] {
  const pools = new Map<string, PoolPeriod>()
  for (const limit of limits) {
    const name = poolName(limit.pool, limit.period)
    if (pools.has(name)) continue
    pools.set(name, [limit.pool, limit.period])
    const pool = openPool(rows, limit)
    pool.held += amount
    rows.savePool(pool)
  }
  return [...pools.values()]
}

/** A hold ends, or what it came to is put right. @param spent what it came to, or less than before. */
export function spendInPools(
  rows: BookRows,
  pools: readonly PoolPeriod[],
  { ended, spent }: { readonly ended: bigint; readonly spent: bigint },
): void {
  for (const [name, period] of pools) {
    const pool = rows.pool(name, period)
    if (pool === undefined) continue
    pool.held -= ended
    pool.spent += spent
    rows.savePool(pool)
  }
}
