import type { ManualUsage, UsageRecord } from '@token-meter/core'
import { modelSlug } from '@token-meter/core'
import { recordings, type FakeOpenMeter } from '@token-meter/testkit'

const customers = ['cus_1', 'cus_2', 'cus_3']

/** The usage of every recorded response, of several customers. */
export function recordedUsage(): readonly ManualUsage[] {
  return recordings().flatMap(({ name, provider, expected }, place) =>
    expected.map((row, index) => ({
      id: `${place}-${index}`,
      customer: customers[place % customers.length] ?? '',
      provider,
      model: row.model,
      tokens: {
        input: row.input,
        cachedInput: row.cached_input,
        cachedWrite: row.cached_write,
        output: row.output,
      },
      attributes: { recording: name },
    })),
  )
}

/** Tokens by customer, model and type. */
export type Sums = Readonly<Record<string, number>>

/** What this usage must be billed as. */
export function expectedSums(usages: readonly (ManualUsage | UsageRecord)[]): Sums {
  const sums: Record<string, number> = {}
  for (const { customer, provider, model, tokens } of usages) {
    const { input = 0, cachedInput = 0, cachedWrite = 0, output = 0 } = tokens
    const types = { input, cached_input: cachedInput, cached_write: cachedWrite, output }
    for (const [type, count] of Object.entries(types)) {
      const key = `${customer} ${modelSlug(provider, model)} ${type}`
      if (count > 0) sums[key] = (sums[key] ?? 0) + count
    }
  }
  return sums
}

/** What OpenMeter has counted. */
export function billedSums(fake: FakeOpenMeter): Sums {
  const rows = fake.billed()
  return Object.fromEntries(
    rows.map(({ customer, model, tokenType, value }) => [
      `${customer} ${model} ${tokenType}`,
      value,
    ]),
  )
}
