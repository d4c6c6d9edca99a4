import type { TokenType } from '@token-meter/core'
import { priceOf } from './prices.ts'
import type { ReceivedEvent } from './stripe-account.ts'

/** What one customer owes for one model. */
export interface BillLine {
  readonly customer: string
  readonly model: string
  readonly tokens: Readonly<Record<TokenType, number>>
  /** Whole, because prices are whole dollars for a million tokens. */
  readonly microdollars: number
}

/** One line for each customer and model, in the order in which they first came. */
export function billOf(events: readonly ReceivedEvent[]): readonly BillLine[] {
  const lines = new Map<string, BillLine>()
  for (const { customer, model, tokenType, value } of events) {
    const key = JSON.stringify([customer, model])
    const line = lines.get(key) ?? { customer, model, tokens: nothing, microdollars: 0 }
    lines.set(key, {
      ...line,
      tokens: { ...line.tokens, [tokenType]: line.tokens[tokenType] + value },
      microdollars: line.microdollars + value * priceOf(model)[tokenType],
    })
  }
  return [...lines.values()]
}

const nothing = { input: 0, cached_input: 0, cached_write: 0, output: 0 }
