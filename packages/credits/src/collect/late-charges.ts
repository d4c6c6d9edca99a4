/**
 * What a record costs its customer's accounts, whenever and by whomever it was kept: charged once,
 * taken back where it bills nothing any more, and charged again where it does after all.
 *
 *     charged with its append ──> nothing is left to do
 *     kept without a hold, by a process without books, attributed late ──> charged now
 *     no price is known ──> what was held for it stands in (`books/holds.ts`); asked again later
 *     charged to a hold's account while nobody was named, and attributed to another ──> moved
 *     of an account that a backend bills, while a sink bills tokens ──> charged, and waits
 *     given up at the sinks that bill (cancelled, discarded) ──> taken back
 */
import type { CostCalculator } from '@token-meter/core/cost'
import type { UsageRecord } from '@token-meter/core/outbox'
import { charge, type Charge, restore } from '../books/charges.ts'
import type { Act } from '../books/operations.ts'
import type { AccountRow, BookRows } from '../books/rows.ts'
import { endStandIn, standInKey } from '../books/stand-ins.ts'
import { billedOf } from '../record-price.ts'
import { drawsMoney } from './token-sinks.ts'

/**
 * - `covered`: a prepaid account pays for it, so that no sink bills it.
 * - `billed`: no account does, or one that a backend bills.
 * - `unpriced`: an account would, and nobody knows how much.
 * - `tokens`: a backend bills it, and would draw its credit by something else than what it costs.
 */
export type Paid = 'covered' | 'billed' | 'unpriced' | 'tokens'

export interface LateRecord {
  readonly record: UsageRecord
  /** Every sink that bills and had it has given it up. */
  readonly isGivenUp: boolean
  /** The accounts that were charged for it while nobody was named. */
  readonly chargedBefore: readonly number[]
}

export interface ChargeTerms {
  readonly cost: CostCalculator | undefined
  readonly act: Act
  /** A sink is used that bills tokens. */
  readonly billsTokens: boolean
}

export function payLate(
  rows: BookRows,
  { record, isGivenUp, chargedBefore }: LateRecord,
  { cost, act, billsTokens }: ChargeTerms,
): Paid {
  const { customer } = record
  for (const id of chargedBefore) {
    const account = rows.accountById(id)
    if (account.customer !== customer) takeBackNow(rows, account, record.id, act)
  }
  let paid: Paid = 'billed'
  for (const account of customer === null ? [] : rows.accountsOf(customer)) {
    if (isGivenUp) {
      takeBackNow(rows, account, record.id, act)
      continue
    }
    const { key, isCharged } = chargeNow(rows, account, record.id)
    if (!isCharged) {
      if (record.at < account.createdAt) continue
      const [due] = chargeOf(record, account, cost)
      if (due === undefined) {
        paid = 'unpriced'
        continue
      }
      const pools = endStandIn(rows, account, record.id, act)
      charge(rows, account, { ...due, key }, act, pools)
    }
    // What nobody bills is no matter of credit.
    if (paid !== 'billed' || record.unbilled !== undefined) continue
    if (account.collect === 'prepaid') paid = 'covered'
    else if (billsTokens && drawsMoney(account)) paid = 'tokens'
  }
  return paid
}

/** What a record costs an account; nothing where nobody knows. */
export function chargeOf(
  record: UsageRecord,
  { unit }: Pick<AccountRow, 'unit'>,
  calculate: CostCalculator | undefined,
): readonly Charge[] {
  const of = (amount: bigint) => [{ key: usageKey(record.id, 0), record: record.id, amount }]
  if (record.unbilled !== undefined) return of(0n)
  if (unit === 'tokens') {
    const { input, cachedInput, cachedWrite, output } = record.tokens
    return of(BigInt(input + cachedInput + cachedWrite + output))
  }
  const billed = billedOf(record, calculate, 'half-up')
  return typeof billed === 'bigint' ? of(billed) : []
}

/** The key of a record's charge, after it was taken back so often. */
function usageKey(record: string, times: number): string {
  return times === 0 ? `usage:${record}` : `usage#${times}:${record}`
}

/** The key under which a record is charged now, or would be. */
export function chargeNow(
  rows: BookRows,
  { id }: AccountRow,
  record: string,
): { readonly key: string; readonly isCharged: boolean } {
  for (let times = 0; ; times++) {
    const key = usageKey(record, times)
    if (!rows.hasEntry(id, key)) return { key, isCharged: false }
    if (!rows.hasEntry(id, `reversal:${key}`)) return { key, isCharged: true }
  }
}

/** The keys of entries that are looked for, of what was never taken back, or once. */
export function keysOf(record: string): readonly string[] {
  return [usageKey(record, 0), standInKey(record)].flatMap((key) => [key, `reversal:${key}`])
}

function takeBackNow(rows: BookRows, account: AccountRow, record: string, act: Act): void {
  const { key, isCharged } = chargeNow(rows, account, record)
  if (isCharged) restore(rows, account, { record, key }, act)
  else endStandIn(rows, account, record, act)
}
