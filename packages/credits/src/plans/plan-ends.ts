/** What a plan that ends takes back of its period's grants, and gives back where it goes on. */
import { freeOf } from '../books/drawing.ts'
import { revoke, unrevoke } from '../books/grants.ts'
import type { Act } from '../books/operations.ts'
import type { AccountRow, BookRows, GrantRow } from '../books/rows.ts'
import type { PlanRow } from './plan-row.ts'

/** Of the grants of a plan's period. */
export function sourceOf(row: PlanRow, from: number): string {
  return `${row.id}:${new Date(from).toISOString()}`
}

/** What the period's grants have free is taken back. */
export function cutOff(rows: BookRows, account: AccountRow, row: PlanRow, act: Act): void {
  const { from } = row.state
  if (from === null) return
  for (const { id } of rows.grantsOfSource(account.id, sourceOf(row, from))) {
    const grant = rows.grant(id)
    const left = leftOf(grant)
    if (left <= 0n) continue
    const key = endOf(grant, endsOf(rows, grant).length)
    revoke(rows, account, { grant: id, amount: left, key, ref: row.id }, act)
  }
  row.state = { ...row.state, given: '0', from: null, until: null }
}

/**
 * One that was over and goes on in the same period, as where it is paid late, has again what its end
 * took back. Returns how much was given in the period.
 */
export function goOn(
  rows: BookRows,
  account: AccountRow,
  row: PlanRow,
  most: bigint,
  at: number,
): bigint {
  const { from, until } = row.state
  if (from === null) return 0n
  let given = 0n
  for (const { id } of rows.grantsOfSource(account.id, sourceOf(row, from))) {
    const grant = rows.grant(id)
    if (grant.expiresAt !== until || given + grant.amount > most) continue
    given += grant.amount
    for (const key of endsOf(rows, grant)) {
      unrevoke(rows, account, { grant: id, key, ref: row.id }, { actor: 'clock', at })
    }
  }
  return given
}

/** What a grant has that may be taken back without making debt. */
function leftOf(grant: GrantRow): bigint {
  if (grant.state === 'scheduled') return grant.amount - grant.revoked
  return grant.state === 'active' ? freeOf(grant) : 0n
}

const endOf = ({ idempotencyKey }: GrantRow, times: number) => `end:${idempotencyKey}:${times}`

/** Keys by which ends of its plan have taken a grant back. */
function endsOf(rows: BookRows, grant: GrantRow): readonly string[] {
  const keys: string[] = []
  for (;;) {
    const key = endOf(grant, keys.length)
    if (!rows.hasEntry(grant.account, `revoke:${key}`)) return keys
    keys.push(key)
  }
}
