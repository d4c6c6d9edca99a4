import { mirrorName, type ObjectRow } from '../books/objects.ts'
import type { AccountRow, BookRows, GrantRow } from '../books/rows.ts'
import { centParts } from '../amount.ts'

/** A grant, and what Stripe has of it: its row of kind `mirror`. */
export interface MirroredGrant {
  readonly account: AccountRow
  readonly grant: GrantRow
  readonly row: MirrorRow | undefined
}

export interface MirrorRow extends ObjectRow {
  state: {
    /** The credit grant at Stripe; `'none'` where nothing is left to have there. */
    readonly id?: string
    /** Which one it is: what is revoked needs another. */
    readonly number?: number
    /** Cents that those before it were drawn for. */
    readonly drawn?: number
    /** That it is being ended, for another to take its place. */
    readonly isEnding?: boolean
  }
}

/** Metadata of a credit grant at Stripe: which grant of the books it is. */
export const grantMetadata = 'token_meter_grant'

export function readMirrored(rows: BookRows, account: AccountRow, id: number): MirroredGrant {
  const row = rows.objects.get(account.id, mirrorName(id)) as MirrorRow | undefined
  // Copies: they are read when their transaction is over.
  return { account: { ...account }, grant: { ...rows.grant(id) }, row }
}

export function saveMirrored(
  rows: BookRows,
  { account, grant, row }: MirroredGrant,
  state: MirrorRow['state'],
  { dueAt, at }: { readonly dueAt: number | null; readonly at: number },
): void {
  const { version = 0 } = row ?? {}
  const of = { account: account.id, id: mirrorName(grant.id), kind: 'mirror' } as const
  rows.objects.save({ ...of, state: { ...state }, version: version + 1, dueAt, at })
}

/** What Stripe is to have in all, in whole cents. */
export function wantedCents({ amount, revoked }: GrantRow): number {
  return Number((amount - revoked) / centParts)
}

/** What a grant is called at Stripe, in whatever process, and by whatever database. */
export async function grantKey({ account, grant }: MirroredGrant): Promise<string> {
  const { customer, unit, stripeAccount } = account
  const { idempotencyKey, createdAt } = grant
  const text = JSON.stringify([customer, unit, stripeAccount, idempotencyKey, createdAt])
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return [...new Uint8Array(hash, 0, 20)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
