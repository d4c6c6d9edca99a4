import type { UsageRecord } from '@token-meter/core'
import { exampleRecord, type FakeStripe } from '@token-meter/testkit'

/** Records of several customers, of this minute. */
export function recordsOf(
  customers: number,
  count: number,
  overrides: Partial<UsageRecord> = {},
): UsageRecord[] {
  const at = Date.now()
  return Array.from({ length: count }, (_, index) =>
    exampleRecord({
      id: `r${index}`,
      customer: `cus_${index % customers}`,
      tokens: { input: 10 + index, cachedInput: index % 3, cachedWrite: 0, output: 1 },
      at,
      ...overrides,
    }),
  )
}

/** The sums that these records are to be billed as: by customer and token type. */
export function expectedSums(records: readonly UsageRecord[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { customer, tokens } of records) {
    const counts = { input: tokens.input, cached_input: tokens.cachedInput, output: tokens.output }
    for (const [type, count] of Object.entries(counts)) {
      const key = `${customer} ${type}`
      if (count > 0) sums[key] = (sums[key] ?? 0) + count
    }
  }
  return sums
}

/** What is billed, by customer and token type. */
export function billedSums(stripe: FakeStripe): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { customer, tokenType, value } of stripe.billed()) {
    const key = `${customer} ${tokenType}`
    sums[key] = (sums[key] ?? 0) + value
  }
  return sums
}
