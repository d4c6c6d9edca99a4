/** What an account has, summed from its grants. */
import { freeOf } from './drawing.ts'
import type { AccountRow, BookRows } from './rows.ts'

/** What may be held now; below 0 while there is debt. */
export function availableOf(rows: BookRows, { id, debt }: AccountRow): bigint {
  return rows.grants(id, 'active').reduce((sum, grant) => sum + freeOf(grant), -debt)
}

/** What is left: with what calls under way have set aside, most of which comes back. */
export function leftOf(rows: BookRows, { id, debt }: AccountRow): bigint {
  return rows.grants(id, 'active').reduce((sum, { remaining }) => sum + remaining, -debt)
}

/** What is set aside for calls under way. */
export function heldOf(rows: BookRows, { id }: AccountRow): bigint {
  const grants = [...rows.grants(id, 'active'), ...rows.expiredHeld(id)]
  return grants.reduce((sum, { held }) => sum + held, 0n)
}

/** All entries together. */
export function postedOf(rows: BookRows, account: AccountRow): bigint {
  return availableOf(rows, account) + heldOf(rows, account)
}
