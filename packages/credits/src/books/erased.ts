/**
 * What an erased customer was given stays given: money that was paid before is of the account that had
 * it, whoever has the customer's name by now.
 */
import type { ErasedWith } from './objects.ts'
import type { AccountKey, AccountRow, BookRows, GrantRow } from './rows.ts'

/** What stands before the pseudonym of an erased customer. */
export const erasedPrefix = 'erased:'

/** The account of an erased customer that has an object of Stripe's, or one of these paid grants. */
export function erasedOwner(
  rows: BookRows,
  key: AccountKey,
  { object, grants = [] }: { readonly object?: string; readonly grants?: readonly string[] },
): AccountRow | undefined {
  const { unit, stripeAccount } = key
  const own = rows.account(key)
  const ownerOf = (what: ErasedWith['what'], name: string) => {
    const owner = rows.objects.erasedWith({ unit, stripeAccount, what, name })
    return owner === undefined ? undefined : rows.accountById(owner)
  }
  if (object !== undefined) {
    if (own !== undefined && rows.objects.get(own.id, object) !== undefined) return undefined
    const owner = ownerOf('object', object)
    if (owner !== undefined) return owner
  }
  for (const name of grants) {
    if (own !== undefined && rows.grantByKey(own.id, name) !== undefined) continue
    const owner = ownerOf('grant', name)
    if (owner !== undefined) return owner
  }
  return undefined
}

/**
 * How often an object of Stripe's was applied to the account that has it: what is read of it is good while
 * this stays.
 */
export function appliedVersion(
  rows: BookRows,
  key: AccountKey,
  of: { readonly object: string; readonly grants?: readonly string[] },
): number {
  const account = erasedOwner(rows, key, of) ?? rows.account(key)
  return account === undefined ? 0 : (rows.objects.get(account.id, of.object)?.version ?? 0)
}

/** The paid grant of this key that a customer had who was erased since. */
export function erasedGrant(rows: BookRows, key: AccountKey, name: string): GrantRow | undefined {
  const owner = erasedOwner(rows, key, { grants: [name] })
  return owner && rows.grantByKey(owner.id, name)
}

/** In SQL, and in both databases: `$1` unit, `$2` connected account, `$3` name. @param schema with its dot. */
export function erasedSql({ what }: ErasedWith, schema: string): string {
  const owners =
    what === 'grant'
      ? `SELECT account FROM ${schema}credit_grants WHERE idempotency_key = $3 AND kind = 'paid'`
      : `SELECT account FROM ${schema}credit_objects WHERE id = $3 AND ${ofStripe}`
  return `SELECT id FROM ${schema}credit_accounts
    WHERE id IN (${owners}) AND unit = $1 AND stripe_account = $2
      AND substr(customer, 1, ${erasedPrefix.length}) = '${erasedPrefix}'
    ORDER BY id LIMIT 1`
}

/** The objects whose ids are the same for everybody. */
export const ofStripe = `kind IN ('payment', 'invoice', 'subscription')`
