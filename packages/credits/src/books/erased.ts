/**
 * What an erased customer was given stays given: money that was paid before is of the account that had
 * it, whoever has the customer's name by now.
 */
import type { ErasedWith } from './objects.ts'
import type { AccountKey, AccountRow, BookRows, GrantRow } from './rows.ts'

/** What stands before the pseudonym of an erased customer. */
export const erasedPrefix = 'erased:'

/** By what an account is known, whoever its customer is by now. */
export interface KnownBy {
  /** Objects of Stripe's. */
  readonly objects?: readonly string[]
  /** Keys of grants that were paid for. */
  readonly grants?: readonly string[]
  /** What grants were paid for. */
  readonly sources?: readonly string[]
  /** Credit grants at Stripe. */
  readonly mirrors?: readonly string[]
}

/** The account of an erased customer that has one of these, where the customer's own has it not. */
export function erasedOwner(
  rows: BookRows,
  key: AccountKey,
  { objects = [], grants = [], sources = [], mirrors = [] }: KnownBy,
): AccountRow | undefined {
  const { unit, stripeAccount } = key
  const own = rows.account(key)
  const ownHas: Readonly<Record<ErasedWith['what'], (id: number, name: string) => boolean>> = {
    object: (id, name) => rows.objects.get(id, name) !== undefined,
    grant: (id, name) => rows.grantByKey(id, name) !== undefined,
    source: (id, name) => rows.grantsOfSource(id, name).length > 0,
    mirror: (id, name) => hasMirror(rows, id, name),
  }
  const wanted = { object: objects, grant: grants, source: sources, mirror: mirrors }
  for (const what of ['object', 'grant', 'source', 'mirror'] as const) {
    for (const name of wanted[what]) {
      if (own !== undefined && ownHas[what](own.id, name)) {
        if (what === 'grant') continue
        return undefined
      }
      const owner = rows.objects.erasedWith({ unit, stripeAccount, what, name })
      if (owner !== undefined) return rows.accountById(owner)
    }
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
  object: string,
  of: KnownBy = { objects: [object] },
): number {
  const account = erasedOwner(rows, key, of) ?? rows.account(key)
  return account === undefined ? 0 : (rows.objects.get(account.id, object)?.version ?? 0)
}

/** The paid grant of this key that a customer had who was erased since. */
export function erasedGrant(rows: BookRows, key: AccountKey, name: string): GrantRow | undefined {
  const owner = erasedOwner(rows, key, { grants: [name] })
  return owner && rows.grantByKey(owner.id, name)
}

/** Whether it is an erased customer's that has this: of grants, one that was paid for. */
export function isErasedWith(
  rows: BookRows,
  { id, customer, ...account }: AccountRow,
  { unit, stripeAccount, what, name }: ErasedWith,
): boolean {
  if (!customer.startsWith(erasedPrefix) || account.unit !== unit) return false
  if (account.stripeAccount !== stripeAccount) return false
  const isPaid = (grant: GrantRow | undefined) => grant?.kind === 'paid'
  switch (what) {
    case 'object':
      return rows.objects.get(id, name) !== undefined
    case 'mirror':
      return hasMirror(rows, id, name)
    case 'grant':
      return isPaid(rows.grantByKey(id, name))
    case 'source':
      return rows.grantsOfSource(id, name).some(isPaid)
  }
}

function hasMirror(rows: BookRows, account: number, name: string): boolean {
  return rows.objects.of(account, 'mirror').some(({ state }) => state['id'] === name)
}

/** In SQL, and in both databases: `$1` unit, `$2` connected account, `$3` name. @param schema with its dot. */
export function erasedSql({ what }: ErasedWith, schema: string): string {
  const objects = `SELECT account FROM ${schema}credit_objects WHERE`
  const paid = `SELECT account FROM ${schema}credit_grants WHERE kind = 'paid' AND`
  const owners = {
    grant: `${paid} idempotency_key = $3`,
    source: `${paid} source = $3`,
    object: `${objects} id = $3 AND ${ofStripe}`,
    mirror: `${objects} ${mirroredAs} = $3 AND ${isMirror}`,
  }[what]
  return `SELECT id FROM ${schema}credit_accounts
    WHERE id IN (${owners}) AND unit = $1 AND stripe_account = $2
      AND substr(customer, 1, ${erasedPrefix.length}) = '${erasedPrefix}'
    ORDER BY id LIMIT 1`
}

/** The objects whose ids are the same for everybody. */
export const ofStripe = `kind IN ('payment', 'invoice', 'subscription')`

/** What a grant is at Stripe: in SQL, and in both databases. */
export const mirroredAs = `(state ->> 'id')`
export const isMirror = `kind = 'mirror'`
