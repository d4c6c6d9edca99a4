import type { KnownSink } from '@token-meter/core/outbox'
import type { AccountRow } from '../books/rows.ts'

/** Sinks in use that bill tokens: credit in money is not drawn by what they bill. */
export function tokenSinks(known: readonly KnownSink[]): readonly string[] {
  return known.flatMap(({ name, mode, value, inUse, renamedTo }) => {
    const isUsed = inUse !== false && renamedTo === undefined
    const isBilling = mode === 'live' || mode === 'test'
    return isUsed && isBilling && value === 'tokens' ? [name] : []
  })
}

/** Whether a backend draws credit in money for what the account uses. */
export function drawsMoney({ collect, unit }: Pick<AccountRow, 'collect' | 'unit'>): boolean {
  return collect === 'mirror' && unit === 'usd'
}

/** What to do about them. */
export function tokenSinksFault(sinks: readonly string[]): string {
  const names = sinks.map((name) => `"${name}"`).join(', ')
  return (
    `${names} bill(s) tokens, and credit that a backend draws is money: make the sink bill by what usage ` +
    "costs (stripeSink({ value: 'cost' })), in every process that delivers, or collect by 'prepaid'"
  )
}
