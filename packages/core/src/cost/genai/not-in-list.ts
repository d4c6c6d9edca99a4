import type { UsageRecord } from '../../usage/usage-record.ts'
import type { ModelPrice } from '../model-price.ts'
import type { Unpriced } from '../price-source.ts'

const halved: ReadonlySet<string | undefined> = new Set(['batch', 'flex'])

/**
 * What the list leaves out of a record's price without saying so.
 *
 * @param list the list's id of the provider.
 * @param hasOwnTiers whether the application gave factors of its own for the provider's tiers.
 */
export function notInList(
  { details, serviceTier, tokens }: UsageRecord,
  price: ModelPrice,
  { list, hasOwnTiers }: { readonly list: string; readonly hasOwnTiers: boolean },
): Unpriced | undefined {
  // Sound costs many times what text does there, and always has a price of its own.
  if (list === 'openai' || list === 'azure') {
    if (details.audioInput && price.audioInput === undefined) return noPriceOf('audio input')
    if (details.audioOutput && price.audioOutput === undefined) return noPriceOf('audio output')
  }
  // The discount is not for what was cached: https://ai.google.dev/gemini-api/docs/batch-api
  if (list === 'google' && tokens.cachedInput > 0 && !hasOwnTiers) {
    const tier = serviceTier?.toLowerCase()
    if (halved.has(tier)) return noPriceOf(`cached input in the tier "${tier}"`)
  }
  return undefined
}

function noPriceOf(what: string): Unpriced {
  return { unpriced: `the list has no price of its ${what}` }
}
