import type { UsageCost } from '@token-meter/core/sink'
import type { FakeStripe } from '@token-meter/testkit'

/** A cost with a markup on it. */
export function costOf(billed: string, provider = '0'): { readonly cost: UsageCost } {
  return { cost: { currency: 'USD', provider, billed, source: 'prices' } }
}

/** What is billed on a meter, by customer. */
export function billedAmounts(fake: FakeStripe, eventName = 'llm-cost'): Record<string, bigint> {
  const sums: Record<string, bigint> = {}
  for (const { event_name: name, payload } of fake.meterEvents) {
    const customer = payload['stripe_customer_id'] ?? ''
    if (name === eventName) sums[customer] = (sums[customer] ?? 0n) + BigInt(payload['value'] ?? '')
  }
  return sums
}
