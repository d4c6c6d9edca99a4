/** What is charged and taken back: what records cost, with a hold or without. */
import { type Act, due, repay, take, takeBack } from './operations.ts'
import { spendInPools } from './pools.ts'
import type { AccountRow, Allocation, BookRows, EntryRow, HoldRow, NewEntry } from './rows.ts'

/** What is charged once, by its key: what a record costs, or what somebody says that a hold came to. */
export interface Charge {
  readonly key: string
  readonly record: string | null
  readonly amount: bigint
  readonly ref?: string
  /** @default 'usage' */
  readonly kind?: 'usage' | 'lease'
}

/** The charge of a record. */
export function recordCharge(record: string, amount: bigint): Charge {
  return { key: `usage:${record}`, record, amount }
}

/** Takes entries back, in their pools too. False where they took nothing, or were taken back before. */
export function undo(
  rows: BookRows,
  account: AccountRow,
  taken: {
    readonly key: string
    readonly first: EntryRow | undefined
    readonly origin: Pick<NewEntry, 'hold' | 'record' | 'ref'>
  },
  act: Act,
): boolean {
  due(rows, account, act)
  const back = takeBack(rows, account, taken.key, taken.origin, act)
  if (back === 0n) return false
  spendInPools(rows, taken.first?.pools ?? [], { ended: 0n, spent: -back })
  repay(rows, account, act)
  return true
}

/** Returns what is left of what was set aside, and what the charges come to that were none before. */
export function takeCharges(
  rows: BookRows,
  account: AccountRow,
  charges: readonly Charge[],
  held: Pick<HoldRow, 'id' | 'pools' | 'allocation'>,
  act: Act,
): { readonly left: readonly Allocation[]; readonly spent: bigint } {
  let left = held.allocation
  let spent = 0n
  for (const { key, record, amount, ref = null, kind = 'usage' } of charges) {
    if (amount === 0n || rows.hasEntry(account.id, key)) continue
    const origin = { kind, key, record, ref, pools: poolsOf(held), hold: held.id } as const
    left = take(rows, account, amount, left, origin, act)
    spent += amount
  }
  return { left, spent }
}

/** Of the entries of a hold. */
export function poolsOf({ pools }: Pick<HoldRow, 'pools'>): EntryRow['pools'] {
  return pools.length === 0 ? null : pools
}

/**
 * Charges what came without a hold. False where it was charged before.
 * @param pools those that it counts in after all.
 */
export function charge(
  rows: BookRows,
  account: AccountRow,
  { key, record, amount }: Charge,
  act: Act,
  pools: EntryRow['pools'] = null,
): boolean {
  due(rows, account, act)
  if (amount === 0n || rows.hasEntry(account.id, key)) return false
  take(rows, account, amount, [], { kind: 'usage', key, record, pools }, act)
  spendInPools(rows, pools ?? [], { ended: 0n, spent: amount })
  repay(rows, account, act)
  return true
}

/**
 * Takes back what a record was charged: it turned out to bill nothing, or to be somebody else's. False
 * where it was not charged, or taken back before.
 */
export function restore(
  rows: BookRows,
  account: AccountRow,
  { record, key }: Pick<Charge, 'key'> & { readonly record: string },
  act: Act,
): boolean {
  const [first] = rows.entriesOf(account.id, key)
  return undo(rows, account, { key, first, origin: { record } }, act)
}
