/** What goes in and out at the door: amounts as text, names of accounts, rows as objects of the API. */
import { type Amount, formatAmount, parseAmount, type Unit } from './amount.ts'
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

export function keyOf(customer: string, unit: Unit): AccountKey {
  if (typeof customer !== 'string' || customer.trim() === '') {
    throw new TypeError('credits: expected the customer to be a non-empty string')
  }
  return { customer, unit, stripeAccount: '' }
}

export function unitOf(amount: Amount): Unit {
  const { usd, tokens } = amount as { usd?: unknown; tokens?: unknown }
  if ((usd === undefined) === (tokens === undefined)) {
    throw new TypeError("credits: name one amount, such as { usd: '25' } or { tokens: '1000000' }")
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
