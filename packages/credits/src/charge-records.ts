import type { CostCalculator } from '@token-meter/core/cost'
import type { UsageRecord } from '@token-meter/core/outbox'
import { charge } from './books/charges.ts'
import { holdsNamed, settle } from './books/holds.ts'
import type { Act } from './books/operations.ts'
import type { BookRows } from './books/rows.ts'
import { standIns } from './books/stand-ins.ts'
import { chargeOf } from './collect/late-charges.ts'

/** The `ref` of what was charged to a hold's account while nobody was named for the record. */
export const unattributedRef = 'unattributed'

/**
 * Charges records that are kept just now: to the holds that they settle, else to what accounts their
 * customer has. Who has none is billed by a backend alone. What it leaves out is charged by the cursor
 * (`collect/cursor.ts`), which sees every record: test usage that nothing is held for.
 */
export function chargeRecords(
  rows: BookRows,
  records: readonly UsageRecord[],
  holdIds: readonly string[],
  { cost, act }: { cost: CostCalculator | undefined; act: Act },
): void {
  // Read once, by their customer: what a hold is of is one of them.
  const accounts = records.map(({ customer, livemode }) =>
    customer === null || livemode === false ? [] : rows.accountsOf(customer),
  )
  const settled = new Set<number>()
  for (const held of holdIds.flatMap((id) => holdsNamed(rows, id))) {
    const account = rows.accountById(held.account)
    const isFirst = settled.size === 0
    const unpriced: string[] = []
    const charges = records.flatMap((record) => {
      const isUnattributed = record.customer === null
      // What a batch used can be others' too.
      if (isUnattributed ? !isFirst : record.customer !== account.customer) return []
      const due = chargeOf(record, account, cost)
      if (isUnattributed) return due.map((one) => ({ ...one, ref: unattributedRef }))
      if (due.length === 0) unpriced.push(record.id)
      return due
    })
    const spent = charges.reduce((sum, { amount }) => sum + amount, 0n)
    settle(rows, held.id, [...charges, ...standIns(held, spent, unpriced)], act)
    settled.add(account.id)
  }
  for (const [index, record] of records.entries()) {
    for (const account of accounts[index] ?? []) {
      if (settled.has(account.id)) continue
      for (const one of chargeOf(record, account, cost)) charge(rows, account, one, act)
    }
  }
}
