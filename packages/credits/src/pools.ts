/**
 * Limits that several customers, keys or teams share, for a period: what the application says of them.
 * What was held and spent under each is in the books (`books/pools.ts`).
 */
import { ConfigError, checkKeys, isOneOf, isText, optionCheck } from '@token-meter/core/outbox'
import { type Amount, formatAmount, got, parseAmount, type Unit } from './amount.ts'
import type { Books } from './books/books.ts'
import type { PoolChange } from './books/journal.ts'
import { leftOf, poolAsItIs, type PoolLimit } from './books/pools.ts'
import type { PoolRow } from './books/rows.ts'
import { CallRefusedError } from './errors.ts'
import type { CreditEmitter } from './events.ts'
import { type Period, periodName, zoneFormat } from './period.ts'

/** A limit for all calls that name it. */
export type PoolOptions = Amount & {
  /** What calls name it by: a team, an API key. */
  readonly id: string
  /** After which it begins again, by the clocks of `timeZone`: at midnight, on Monday, on the 1st. */
  readonly period: Period
  /** A name of the IANA time zone database. @default 'UTC' */
  readonly timeZone?: string
  /** Whether what a period leaves is added to the limit of the next one. @default false */
  readonly rollover?: boolean
  /** Percents of the limit that the event `pool` tells of when they are spent. @default [80, 100] */
  readonly soft?: readonly number[]
  /**
   * Whether a call is refused that the pool has too little left for. `false` makes it one that only
   * warns. @default true
   */
  readonly hard?: boolean
}

/** What a pool has in its period. Amounts are decimal text of its unit. */
export interface PoolBalance {
  readonly id: string
  readonly unit: Unit
  /** The period, by name: `2026-11`, `2026-11-29`, `W2026-11-23`, `2026-11-29T14+01:00`. */
  readonly period: string
  readonly limit: string
  /** What the period before has left, where that is carried over. */
  readonly carried: string
  readonly spent: string
  /** Set aside for calls under way. */
  readonly held: string
  /** What may be held now. Below 0 where more was used than was held, or the pool does not stop. */
  readonly available: string
}

/** A pool as it was set up. */
export interface Pool {
  readonly id: string
  readonly unit: Unit
  /** What its rows are called: the unit is in it, so that amounts of two are never added up. */
  readonly name: string
  readonly limit: bigint
  readonly period: Period
  readonly timeZone: string
  readonly rollover: boolean
  readonly soft: readonly number[]
  readonly hard: boolean
}

const known: Readonly<Record<string, true>> = {
  id: true,
  usd: true,
  tokens: true,
  period: true,
  timeZone: true,
  rollover: true,
  soft: true,
  hard: true,
}

const isBoolean = isOneOf(true, false)
export const isPercents = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === 'number' && one > 0 && one <= 1000)

/** @throws ConfigError for a wrong option. */
function poolOf(options: PoolOptions): Pool {
  checkKeys('pool', options, known)
  const check = optionCheck('pool', got)
  const { id, usd, tokens, period, timeZone = 'UTC' } = options
  const { rollover = false, soft = [80, 100], hard = true } = options
  check('id', id, 'a name', isText)
  check(
    'period',
    period,
    '"hour", "day", "week" or "month"',
    isOneOf('hour', 'day', 'week', 'month'),
  )
  check('rollover', rollover, 'true or false', isBoolean)
  check('soft', soft, 'a list of percents above 0, such as [80, 100]', isPercents)
  check('hard', hard, 'true or false', isBoolean)
  check('timeZone', timeZone, 'a time zone, such as "Europe/Berlin"', isTimeZone)
  if ((usd === undefined) === (tokens === undefined)) {
    throw new ConfigError(`pool: name one limit, such as { usd: '500' } or { tokens: '1000000' }`)
  }
  const unit = usd === undefined ? 'tokens' : 'usd'
  const limit = limitOf(usd ?? tokens, unit)
  const name = `${unit}:${id}`
  return { id, unit, name, limit, period, timeZone, rollover, soft, hard }
}

function limitOf(text: unknown, unit: Unit): bigint {
  let limit: bigint
  try {
    limit = parseAmount(text, unit)
  } catch (cause) {
    throw new ConfigError(`pool: ${unit} is no limit: ${(cause as Error).message}`, { cause })
  }
  if (limit < 0n) throw new ConfigError(`pool: ${unit} must be a limit from 0 up`)
  return limit
}

function isTimeZone(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    return Boolean(zoneFormat(value))
  } catch {
    return false
  }
}

/** The clocks of every time zone are apart by whole quarters of an hour, so that no period begins within one. */
const quarterMs = 15 * 60_000

/** The pools that a process knows. */
export class Pools {
  readonly #pools = new Map<string, Pool>()
  readonly #byName = new Map<string, Pool>()
  /** Names of periods are dear to find, and are asked for with each call. */
  readonly #periods = new WeakMap<Pool, { readonly quarter: number; readonly name: string }>()

  /**
   * Sets up a pool, or changes one: what was spent in its period stays.
   * @throws ConfigError for a wrong option, and for another unit than it has.
   */
  define(options: PoolOptions): void {
    const pool = poolOf(options)
    const before = this.#pools.get(pool.id)
    if (before !== undefined && before.unit !== pool.unit) {
      throw new ConfigError(
        `pool: "${pool.id}" counts in ${before.unit}, and what it has counted is no ${pool.unit}: give the new one an id of its own`,
      )
    }
    this.#pools.set(pool.id, pool)
    this.#byName.set(pool.name, pool)
  }

  /**
   * The pools of these ids, each once, in one order.
   * @throws CallRefusedError for one that there is not: a limit that nobody knows holds nobody.
   */
  find(ids: readonly string[], customer: string | null): readonly Pool[] {
    if (ids.length === 0) return []
    const found = [...new Set(ids)].map((id) => {
      const pool = this.#pools.get(id)
      if (pool !== undefined) return pool
      throw new CallRefusedError(
        `there is no pool "${id}" in this process: set it up by credits.pool({ id, usd, period }) before a call names it`,
        { reason: 'unknown_pool', customer },
      )
    })
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * The limits of a hold that is made by hand.
   * @throws CallRefusedError for a pool that there is not, and for one of another unit.
   */
  limits(
    ids: readonly string[],
    { customer, unit, at }: { readonly customer: string; readonly unit: Unit; readonly at: number },
  ): readonly PoolLimit[] {
    return this.find(ids, customer).map((pool) => {
      if (pool.unit === unit) return this.limitAt(pool, at)
      throw new CallRefusedError(
        `the pool "${pool.id}" counts in ${pool.unit}, and this hold is of ${unit}: name pools of its own unit`,
        { reason: 'pool_unit', customer },
      )
    })
  }

  /** A pool's limit, in the period that a moment is in. */
  limitAt(pool: Pool, at: number): PoolLimit {
    const { name, limit, rollover, hard } = pool
    return { pool: name, period: this.#periodAt(pool, at), limit, isSoft: !hard, rollover }
  }

  #periodAt(pool: Pool, at: number): string {
    const quarter = Math.floor(at / quarterMs)
    const kept = this.#periods.get(pool)
    if (kept?.quarter === quarter) return kept.name
    const name = periodName(pool.period, at, pool.timeZone)
    this.#periods.set(pool, { quarter, name })
    return name
  }

  /** @throws ConfigError for one that there is not. */
  balance(books: Books, id: string, at: number): Promise<PoolBalance> {
    const pool = this.#pools.get(id)
    if (pool === undefined) {
      throw new ConfigError(`there is no pool "${id}" in this process: set it up by credits.pool()`)
    }
    const limit = this.limitAt(pool, at)
    return books.read((rows) => shownPool(pool, poolAsItIs(rows, limit)))
  }

  /** Tells that a pool has too little left for what was asked of it. */
  tellRefusal(row: PoolRow, required: bigint, events: CreditEmitter): void {
    const pool = this.#byName.get(row.pool)
    const what = { grant: 0, available: leftOf(row) }
    if (pool === undefined) return
    if (!events.isNewRefusal('pool', `pool ${row.pool} ${row.period}`, what)) return
    const { id, unit } = pool
    const { period, spent, available } = shownPool(pool, row)
    const whole = row.limit + row.carried
    events.emit('pool', {
      pool: id,
      unit,
      period,
      percent: whole > 0n ? Number((row.spent * 100n) / whole) : 100,
      limit: formatAmount(whole, unit),
      spent,
      available,
      required: formatAmount(required, unit),
    })
  }

  /** Tells of shares of pools that were spent. */
  tell(changes: readonly PoolChange[], events: CreditEmitter): void {
    for (const { pool: row, spentBefore } of changes) {
      const pool = this.#byName.get(row.pool)
      if (pool === undefined) continue
      const whole = row.limit + row.carried
      const { period, spent, available } = shownPool(pool, row)
      const limit = formatAmount(whole, pool.unit)
      for (const percent of pool.soft) {
        const share = (whole * BigInt(Math.round(percent * 100))) / 10_000n
        if (spentBefore >= share || row.spent < share) continue
        const { id, unit } = pool
        events.emit('pool', { pool: id, unit, period, percent, limit, spent, available })
      }
    }
  }
}

/** The id of the pool whose rows have this name. */
export function poolId(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

function shownPool({ id, unit }: Pool, row: PoolRow): PoolBalance {
  return {
    id,
    unit,
    period: row.period,
    limit: formatAmount(row.limit, unit),
    carried: formatAmount(row.carried, unit),
    spent: formatAmount(row.spent, unit),
    held: formatAmount(row.held, unit),
    available: formatAmount(leftOf(row), unit),
  }
}
