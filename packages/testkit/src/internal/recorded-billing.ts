import { modelSlug, type ModelSlug } from '@token-meter/core/sink'
import { tokenTypes, type TokenCounts } from '@token-meter/core/wire'
import { test } from 'vitest'
import type { Fault } from '../http/fault.ts'
import { sharedFolder } from './shared-folder.ts'
import type { BilledRow } from '../sink-suite/sink-backend.ts'

/** True where there are no recordings; then it says so, once, as a skipped test. */
export function recordingsAreAbsent(): boolean {
  if (sharedFolder() !== undefined) return false
  const why = 'recorded traffic: skipped, because there is no ../shared beside this checkout'
  process.stdout.write(`${why}\n`)
  test.skip(why)
  return true
}

/** Runs of faults through which every recorded call is to be billed once. */
export const billingFaults: readonly (readonly [name: string, faults: readonly Fault[]])[] = [
  ['no fault', []],
  ['429', [{ status: 429, headers: { 'retry-after': '0.01' } }, { status: 429 }]],
  ['500, with effect and without', [{ status: 500, processed: true }, { status: 500 }]],
  ['a cut after the effect', [{ connection: 'reset', processed: true }, { connection: 'reset' }]],
  ['no answer in time', [{ connection: 'hang', processed: true }, { connection: 'hang' }]],
  [
    'one after the other',
    [
      { status: 500, processed: true },
      { status: 429 },
      { connection: 'reset', processed: true },
      { status: 200, body: '<html>', processed: true },
      { connection: 'hang' },
    ],
  ],
]

/** What is used, as records and recorded calls have it. */
export interface Usage {
  readonly customer?: string | null
  readonly provider: string
  readonly model: string
  readonly tokens: Partial<TokenCounts>
}

/** Tokens by customer, model and type: what usage is to be billed as. */
export function expectedTotals(
  usages: readonly Usage[],
  slug: ModelSlug = modelSlug,
): Readonly<Record<string, number>> {
  const totals: Record<string, number> = {}
  for (const { customer, provider, model, tokens } of usages) {
    for (const { count, type } of tokenTypes) {
      const tokenCount = tokens[count] ?? 0
      if (tokenCount === 0) continue
      const key = `${customer} ${slug(provider, model)} ${type}`
      totals[key] = (totals[key] ?? 0) + tokenCount
    }
  }
  return totals
}

/** The same of what is billed. */
export function billedTotals(rows: readonly BilledRow[]): Readonly<Record<string, number>> {
  const totals: Record<string, number> = {}
  for (const { customer, model, tokenType, value } of rows) {
    const key = `${customer} ${model} ${tokenType}`
    totals[key] = (totals[key] ?? 0) + value
  }
  return totals
}
