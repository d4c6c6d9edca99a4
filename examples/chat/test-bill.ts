import { toMeterEvents } from '@token-meter/core'
import type { FakeStripe } from '@token-meter/testkit'
import type { TestServer } from './test-server.ts'

/** Tokens by customer, model and token type. */
type Sums = Record<string, number>

export function recordedBy(server: TestServer): Sums {
  const sums: Sums = {}
  for (const event of server.ledger().flatMap((record) => toMeterEvents(record))) {
    const key = `${event.customer} ${event.dimensions.model} ${event.dimensions.token_type}`
    sums[key] = (sums[key] ?? 0) + event.value
  }
  return sums
}

export function billedBy(stripe: FakeStripe): Sums {
  return Object.fromEntries(
    stripe
      .billed()
      .map(({ customer, model, tokenType, value }) => [`${customer} ${model} ${tokenType}`, value]),
  )
}
