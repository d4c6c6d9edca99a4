import type { CostCalculator } from '@token-meter/core/cost'
import type { UsageRecord } from '@token-meter/core/outbox'
import { parseAmount } from './amount.ts'
import { charge, type Charge, holdsNamed, recordCharge, settle } from './books/holds.ts'
import type { Act } from './books/operations.ts'
import type { AccountRow, BookRows } from './books/rows.ts'

/**
 * Charges records that are kept just now: to the holds that they settle, else to what accounts their
 * customer has. Who has none is billed by a backend alone.
 */
export function chargeRecords(
  rows: BookRows,
  records: readonly UsageRecord[],
  holdIds: readonly string[],
  { cost, act }: { cost: CostCalculator | undefined; act: Act },
): void {
  const settled = new Set<number>()
  for (const held of holdIds.flatMap((id) => holdsNamed(rows, id))) {
    const account = rows.accountById(held.account)
    // What a batch used can be others' too.
    const own = records.filter(({ customer }) => customer === account.customer)
    const charges = own.flatMap((record) => chargeOf(record, account, cost))
    settle(rows, held.id, charges, act)
    settled.add(account.id)
  }
  for (const record of records) {
    if (record.customer === null) continue
    for (const account of rows.accountsOf(record.customer)) {
      if (settled.has(account.id)) continue
      for (const one of chargeOf(record, account, cost)) charge(rows, account, one, act)
    }
  }
}

/** What a record costs an account; nothing where nobody knows. */
function chargeOf(
  record: UsageRecord,
  { unit }: AccountRow,
  calculate: CostCalculator | undefined,
): readonly Charge[] {
  if (unit === 'tokens') {
    const { input, cachedInput, cachedWrite, output } = record.tokens
    const sum = record.unbilled === undefined ? input + cachedInput + cachedWrite + output : 0
    return [recordCharge(record.id, BigInt(sum))]
  }
  const cost = record.cost ?? calculate?.(record)
  if (cost === undefined || 'unpriced' in cost) return []
  return [recordCharge(record.id, parseAmount(cost.billed, unit, 'half-up'))]
}
