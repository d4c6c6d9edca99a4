import type { AccountRow, BookRows, GrantKind, GrantRow } from './rows.ts'

const kindOrder: Readonly<Record<GrantKind, number>> = { promo: 0, plan: 1, adjustment: 2, paid: 3 }

/**
 * The order in which grants are drawn: by priority, then what expires first (what never does is last),
 * then what was given away before what was paid for, then the oldest.
 */
export function drawnBefore(a: GrantRow, b: GrantRow): number {
  return (
    a.priority - b.priority ||
    compare(a.expiresAt ?? Infinity, b.expiresAt ?? Infinity) ||
    kindOrder[a.kind] - kindOrder[b.kind] ||
    a.createdAt - b.createdAt ||
    a.id - b.id
  )
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** What of a grant nobody has set aside. */
export function freeOf({ remaining, held }: GrantRow): bigint {
  return remaining - held
}

export function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/** A part of an amount, and the grant that has it free. */
export interface FreePart {
  readonly grant: GrantRow
  readonly part: bigint
}

/** From which grants an amount comes, as far as they have it free. */
export function freeParts(
  rows: BookRows,
  account: AccountRow,
  amount: bigint,
): readonly FreePart[] {
  const found: FreePart[] = []
  let rest = amount
  if (rest <= 0n) return found
  for (const grant of rows.grants(account.id, 'active')) {
    const part = smaller(freeOf(grant), rest)
    if (part <= 0n) continue
    found.push({ grant, part })
    rest -= part
    if (rest === 0n) break
  }
  return found
}
