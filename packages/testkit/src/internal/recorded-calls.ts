import type { TokenCounts } from '@token-meter/core/wire'
import { recordings } from './recordings.ts'

/** One recorded response as usage of a customer. */
export interface RecordedCall {
  readonly customer: string
  readonly provider: string
  readonly model: string
  readonly tokens: TokenCounts
  /** What it costs in nano-dollars, by prices with which every sum has many places. */
  readonly nanoUsd: bigint
}

const nanoPerToken: TokenCounts = {
  input: 1250,
  cachedInput: 125,
  cachedWrite: 1563,
  output: 10_007,
}

/** Every recorded response, of three customers in turn; none where `../shared` is absent. */
export function recordedCalls(): readonly RecordedCall[] {
  const rows = recordings().flatMap(({ provider, expected }) =>
    expected.map((row) => ({ provider, ...row })),
  )
  return rows.map(({ provider, model, input, output, ...cached }, index) => {
    const { cached_input: cachedInput, cached_write: cachedWrite } = cached
    const tokens = { input, cachedInput, cachedWrite, output }
    return { customer: `cus_${index % 3}`, provider, model, tokens, nanoUsd: costOf(tokens) }
  })
}

/** An amount as records have it: `'0.001234567'`. */
export function nanoToUsd(nanoUsd: bigint): string {
  const digits = nanoUsd.toString().padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

/** The reverse; throws for what is no whole number of nano-dollars. */
export function usdToNano(usd: string): bigint {
  const [whole = '', fraction = ''] = usd.split('.')
  if (fraction.length > 9) throw new RangeError(`more than 9 places: ${usd}`)
  return BigInt(whole + fraction.padEnd(9, '0'))
}

function costOf(tokens: TokenCounts): bigint {
  return (Object.keys(nanoPerToken) as (keyof TokenCounts)[]).reduce(
    (sum, count) => sum + BigInt(tokens[count] * nanoPerToken[count]),
    0n,
  )
}
