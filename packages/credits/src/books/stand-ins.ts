/** What is charged in place of records of which nobody knows the price yet. */
import { type Charge, undo } from './charges.ts'
import type { Act } from './operations.ts'
import type { AccountRow, BookRows, EntryRow, HoldRow } from './rows.ts'

/** The key of what stands in for a record's charge. */
export function standInKey(record: string): string {
  return `lease:record:${record}`
}

/**
 * What is charged in place of records whose price nobody knows yet: what was held for them. Given back, it
 * could be spent again before anybody knows.
 * @param spent what the other records of the hold cost.
 */
export function standIns(
  { amount }: Pick<HoldRow, 'amount'>,
  spent: bigint,
  records: readonly string[],
): readonly Charge[] {
  const count = BigInt(records.length)
  if (count === 0n || amount <= spent) return []
  const each = (amount - spent) / count
  return records.map((record, index) => ({
    key: standInKey(record),
    kind: 'lease',
    record: null,
    ref: record,
    amount: index === 0 ? amount - spent - each * (count - 1n) : each,
  }))
}

/**
 * Takes back what stood in for a record's charge: it has a price now, or costs nothing.
 * @returns the pools that it counts in, where it stood for one.
 */
export function endStandIn(
  rows: BookRows,
  account: AccountRow,
  record: string,
  act: Act,
): EntryRow['pools'] {
  const key = standInKey(record)
  const [first] = rows.entriesOf(account.id, key)
  if (first === undefined) return null
  const origin = { hold: first.hold, ref: record }
  return undo(rows, account, { key, first, origin }, act) ? first.pools : null
}
