import { modelSlug, type ModelSlug } from '@token-meter/core'
import type { ModelPrice } from '@token-meter/core/cost'
import { manualUsage, type PaidRecording, paidRecordings } from './all-backends-calls.ts'

/**
 * What the recordings must come to, reckoned here in whole numbers and with nothing of the code
 * under test but the way a model is written.
 */

const types = ['input', 'cached_input', 'cached_write', 'output'] as const
type TokenType = (typeof types)[number]
type Counts = Readonly<Record<TokenType, number>>

/** The usage of one record. */
interface ExpectedUsage {
  /** The provider does not bill it, so that it is counted and nobody pays. */
  readonly isUnbilled: boolean
  readonly customer: string
  readonly provider: string
  readonly model: string
  readonly counts: Counts
}

/** Recordings in which Anthropic's Fable 5 refuses before any output, of a category that is free. */
const refusals = /anthropic-(?:refusal|fallback)/

/** What a recording is billed as, of each of its models. */
function usageOf(paid: PaidRecording): readonly ExpectedUsage[] {
  const { customer, provider, expected, recording } = paid
  return expected.map(({ model, ...counts }) => {
    const isUnbilled = refusals.test(recording.name) && model === 'claude-fable-5'
    return { isUnbilled, customer, provider, model, counts }
  })
}

/** How many records of some recordings are billed to somebody. */
export function countBilled(recordings: readonly PaidRecording[]): number {
  return recordings.flatMap(usageOf).filter(({ isUnbilled }) => !isUnbilled).length
}

const byHand: readonly ExpectedUsage[] = manualUsage.map((usage) => ({
  isUnbilled: false,
  customer: usage.customer ?? '',
  provider: usage.provider,
  model: usage.model,
  counts: {
    input: usage.tokens?.input ?? 0,
    cached_input: usage.tokens?.cachedInput ?? 0,
    cached_write: usage.tokens?.cachedWrite ?? 0,
    output: usage.tokens?.output ?? 0,
  },
}))

export const expectedUsage = [...paidRecordings.flatMap(usageOf), ...byHand]
export const billedUsage = expectedUsage.filter(({ isUnbilled }) => !isUnbilled)

/** Each model has prices of its own, in billionths of a millionth of a dollar for a token. */
const models = [...new Set(expectedUsage.map((usage) => slugOf(usage)))].toSorted()
const femtoPerToken = new Map<string, Counts>(
  models.map((slug, place) => [
    slug,
    {
      input: 1_234_567_000 + 101_111_000 * place,
      cached_input: 123_456_000 + 10_111_000 * place,
      cached_write: 1_543_209_000 + 126_389_000 * place,
      output: 9_876_543_000 + 808_889_000 * place,
    },
  ]),
)

/** The same for `cost({ prices })`. Tools of the providers are left out of the reckoning. */
export const prices: Readonly<Record<string, ModelPrice>> = Object.fromEntries(
  [...femtoPerToken].map(([slug, femto]) => [
    slug,
    {
      input: perMillion(femto.input),
      cachedInput: perMillion(femto.cached_input),
      cachedWrite: perMillion(femto.cached_write),
      output: perMillion(femto.output),
      webSearch: 0,
      webFetch: 0,
      xSearch: 0,
      fileSearch: 0,
      maps: 0,
      // One of Google's recordings says so.
      serviceTiers: { provisioned_throughput: 1 },
    },
  ]),
)

/** Percent, and the same in thousandths of the provider's cost. */
export const markup = { default: 20, customers: { cus_2: '12.5', cus_3: -10 } }
const perMille: Readonly<Record<string, number>> = { cus_1: 1200, cus_2: 1125, cus_3: 900 }

/** Tokens by customer, model and type that are billed. */
export function expectedTokens(slug: ModelSlug = modelSlug): Record<string, number> {
  return sumsOf(billedUsage, slug)
}

/** The same of all that was used. */
export function usedTokens(slug: ModelSlug): Record<string, number> {
  return sumsOf(expectedUsage, slug)
}

function sumsOf(usages: readonly ExpectedUsage[], slug: ModelSlug): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const usage of usages) {
    for (const type of types) {
      const key = `${usage.customer} ${slugOf(usage, slug)} ${type}`
      if (usage.counts[type] > 0) sums[key] = (sums[key] ?? 0) + usage.counts[type]
    }
  }
  return sums
}

/** Billed amounts by customer and model, in millionths of a nano-dollar. */
export function expectedFemto(slug: ModelSlug = modelSlug): Record<string, bigint> {
  return sumOfCosts(slug, (femto) => femto)
}

/** The same in nano-dollars, where each record is rounded to whole ones. */
export function expectedNano(): Record<string, bigint> {
  return sumOfCosts(modelSlug, (femto) => (femto + 500_000n) / 1_000_000n)
}

function sumOfCosts(slug: ModelSlug, ofRecord: (femto: bigint) => bigint): Record<string, bigint> {
  const sums: Record<string, bigint> = {}
  for (const usage of billedUsage) {
    const key = `${usage.customer} ${slugOf(usage, slug)}`
    sums[key] = (sums[key] ?? 0n) + ofRecord(femtoOf(usage))
  }
  return sums
}

/** What a record's customer is billed. */
function femtoOf(usage: ExpectedUsage): bigint {
  const price = femtoPerToken.get(slugOf(usage))
  if (price === undefined) throw new Error(`no price for ${slugOf(usage)}`)
  const provider = types.reduce(
    (sum, type) => sum + BigInt(usage.counts[type]) * BigInt(price[type]),
    0n,
  )
  return (provider * BigInt(perMille[usage.customer] ?? 0)) / 1000n
}

function slugOf({ provider, model }: ExpectedUsage, slug: ModelSlug = modelSlug): string {
  return slug(provider, model)
}

/** Femto-dollars a token as dollars a million tokens. */
function perMillion(femto: number): string {
  return (femto / 1e9).toFixed(6)
}

/** A decimal of dollars in femto-dollars, exactly. */
export function femto(usd: string): bigint {
  const [whole = '', fraction = ''] = usd.split('.')
  if (!/^\d+$/.test(whole) || fraction.length > 15)
    throw new Error(`not to the femto-dollar: ${usd}`)
  return BigInt(whole + fraction.padEnd(15, '0'))
}
