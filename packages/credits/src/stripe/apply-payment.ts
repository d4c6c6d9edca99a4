import type { Act } from '../books/operations.ts'
import { erasedOwner } from '../books/erased.ts'
import { openAccount } from '../books/operations.ts'
import { give } from '../books/grants.ts'
import type { AccountKey, BookRows } from '../books/rows.ts'
import type { Payment } from './payment.ts'
import { type PaymentRow, Shares } from './shares.ts'

/** What becomes of a grant that was bought, beside its amount. */
export interface GrantTerms {
  /** From then on it counts. In ms since the epoch or as a `Date`. @default now */
  readonly effectiveAt?: number | Date
  /** In ms since the epoch or as a `Date`. @default for ever */
  readonly expiresAt?: number | Date
  /** 0 (drawn first) to 100. @default 50 */
  readonly priority?: number
}

/** What applying a payment did. */
export interface Applied {
  /** Somebody else has applied it since it was read: it is to be read again. */
  readonly isStale: boolean
  /** Whose account it is of: a pseudonym where the customer was erased. */
  readonly customer: string
  /** Parts that were given and taken back just now. */
  readonly granted: bigint
  readonly revoked: bigint
  readonly restored: bigint
  /** Keys that stand for another amount: that one stays. */
  readonly conflicts: readonly string[]
}

const noChange = { isStale: false, granted: 0n, revoked: 0n, restored: 0n, conflicts: [] }

/** Of a payment's row. Not its key alone: an invoice that fails has a row too, by its id. */
export const paymentRowId = (payment: string) => `payment:${payment}`

/** What a payment is known by, of whoever has it. */
export function namesOf({ key, packs }: Payment) {
  return { objects: [paymentRowId(key)], grants: packs.map((pack) => pack.key) }
}

/**
 * Brings an account to what a payment is at Stripe: its grants are given, each once, and what was taken
 * back is revoked, or given back where it came to nothing. Done again it changes nothing.
 */
export function applyPayment(
  rows: BookRows,
  wanted: AccountKey,
  { payment, terms, version }: { payment: Payment; terms: GrantTerms; version: number },
  act: Act,
): Applied {
  // Where its customer was erased since, the account that has it.
  const key = erasedOwner(rows, wanted, namesOf(payment)) ?? wanted
  const { customer } = key
  const nothing: Applied = { ...noChange, customer }
  const found = rows.account(key)
  const known =
    found && (rows.objects.get(found.id, paymentRowId(payment.key)) as PaymentRow | undefined)
  if (known === undefined && (!payment.isPaid || payment.packs.length === 0)) return nothing
  const account = openAccount(rows, key, act)
  if ((known?.version ?? 0) !== version) return { ...nothing, isStale: true }
  const given = payment.isPaid
    ? giveAll(rows, key, payment, terms, act)
    : { granted: 0n, conflicts: [] }
  const shares = new Shares(rows, account, payment, known?.state ?? {}, act)
  const restored = shares.giveBack()
  const revoked = shares.take()
  rows.objects.save({
    account: account.id,
    id: paymentRowId(payment.key),
    kind: 'payment',
    state: shares.state,
    version: version + 1,
    dueAt: null,
    at: act.at,
  })
  return { isStale: false, customer, ...given, revoked, restored }
}

function giveAll(
  rows: BookRows,
  key: AccountKey,
  payment: Payment,
  terms: GrantTerms,
  act: Act,
): Pick<Applied, 'granted' | 'conflicts'> {
  let granted = 0n
  const conflicts: string[] = []
  for (const { key: idempotencyKey, amount } of payment.packs) {
    const { effectiveAt = act.at, expiresAt, priority = 50 } = terms
    const times = {
      effectiveAt: Number(effectiveAt),
      expiresAt: expiresAt === undefined ? null : Number(expiresAt),
    }
    const of = { kind: 'paid', priority, source: payment.key, idempotencyKey } as const
    const { state } = give(rows, key, { amount, ...of, ...times }, act)
    if (state === 'granted') granted += amount
    else if (state === 'conflict') conflicts.push(idempotencyKey)
  }
  return { granted, conflicts }
}
