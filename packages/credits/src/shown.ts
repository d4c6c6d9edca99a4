/** What goes in and out at the door: amounts as text, names of accounts, rows as objects of the API. */
import { type Amount, formatAmount, got, parseAmount, type Unit } from './amount.ts'
import type { AccountKey, EntryRow, GrantRow } from './books/rows.ts'
import type { Balance, HistoryEntry } from './credits.ts'
import type { Grant } from './grant.ts'

/** Of who has no account. */
export const noBalance: Omit<Balance, 'unit'> = {
  available: '0',
  held: '0',
  posted: '0',
  debt: '0',
  blocked: null,
  grants: [],
}

/** @throws TypeError for what is no id of a customer, as `meter()` does. */
export function checkCustomer(owner: string, customer: unknown): asserts customer is string {
  if (typeof customer === 'string' && customer.trim() !== '') return
  throw new TypeError(
    `${owner} expected the customer to be a non-empty string, got ${got(customer)}. ` +
      "Pass the id that meter() names the customer by, such as 'cus_123'",
  )
}

export function keyOf(customer: string, unit: Unit): AccountKey {
  checkCustomer('credits', customer)
  return { customer, unit, stripeAccount: '' }
}

export function unitOf(amount: Amount): Unit {
  const { usd, tokens } = amount as { usd?: unknown; tokens?: unknown }
  if ((usd === undefined) === (tokens === undefined)) {
    throw new TypeError(
      `credits: name one amount, such as { usd: '25' } or { tokens: '1000000' }, got ${usd === undefined ? 'none' : 'both'}`,
    )
  }
  return usd === undefined ? 'tokens' : 'usd'
}

export function amountOf(amount: Amount): bigint {
  const unit = unitOf(amount)
  return parseAmount((amount as Record<Unit, unknown>)[unit], unit)
}

export function shownGrant(grant: GrantRow, unit: Unit): Grant {
  const { id, kind, state, amount, remaining, held, priority } = grant
  const { effectiveAt, expiresAt, source } = grant
  return {
    id: String(id),
    kind,
    state,
    amount: formatAmount(amount, unit),
    remaining: formatAmount(remaining, unit),
    held: formatAmount(held, unit),
    priority,
    effectiveAt,
    expiresAt,
    source,
  }
}

export function shownEntry(entry: EntryRow, unit: Unit): HistoryEntry {
  const { id, kind, amount, grant, record, hold: holdId, ref, actor, at } = entry
  const text = formatAmount(amount, unit)
  const of = grant === null ? null : String(grant)
  return { id, kind, unit, amount: text, grant: of, record, hold: holdId, ref, actor, at }
}
