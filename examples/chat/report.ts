import { tokenTypes } from '@token-meter/core'
import type { Services } from './services.ts'
import type { Tenant } from './tenants.ts'
import type { UsageBoard } from './usage-board.ts'

/** What the console says at the start. Nothing of a conversation is ever printed. */
export function printStart(
  url: string,
  { descriptions, outboxFile }: Services,
  sellsCredit: boolean,
): void {
  const credit = sellsCredit
    ? 'Cedar Market buys it before it is used; the others pay as they go'
    : 'not sold: all pay as they go. With TOKEN_METER_CHAT_PACK it is: see the README.'
  console.log(`
  A chat for three companies, each with its own bill:  ${url}

  model    ${descriptions.model}
  Stripe   ${descriptions.stripe}
  credit   ${credit}
  outbox   ${outboxFile}

  Ctrl+C stops it: answers under way are finished, and all usage is delivered.
`)
}

/** What the console says at the end. */
export function printDelivered(tenants: readonly Tenant[], board: UsageBoard): void {
  for (const { name, stripeCustomer } of tenants) {
    const { answers, undelivered, covered, models } = board.of(stripeCustomer)
    const tokens = Object.values(models)
      .flatMap((counts) => tokenTypes.map(({ type }) => counts[type] ?? 0))
      .reduce((sum, count) => sum + count, 0)
    const where =
      undelivered > 0
        ? `${undelivered} answers wait in the outbox`
        : covered > 0
          ? 'paid from credit'
          : 'all at Stripe'
    if (answers > 0) console.log(`  ${name} (${stripeCustomer}): ${tokens} tokens, ${where}`)
  }
}
