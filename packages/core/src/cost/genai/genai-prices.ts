import { ConfigError } from '../../errors/errors.ts'
import { checkKeys } from '../../errors/option-check.ts'
import type { ModelPrice, Usd } from '../model-price.ts'
import type { PriceFunction } from '../price-source.ts'
import { knownFactors } from './known-factors.ts'
import { listPrice } from './list-price.ts'
import { notInList } from './not-in-list.ts'

export interface GenaiPricesOptions {
  /**
   * Whose prices hold for a provider of a record, by the list's own id: `{ litellm: 'openai' }` for a
   * proxy that has OpenAI behind it. @default those of the same company
   */
  readonly providers?: Readonly<Record<string, string>> | undefined
  /**
   * By how much the price of tokens is multiplied in a service tier, by provider, where the list has
   * no price of it: `{ openai: { priority: 2 } }`. Beside what is known: half for batches of OpenAI,
   * Azure, Anthropic and Google and for `flex` of OpenAI and Google, and the usual price for Groq's.
   */
  readonly serviceTiers?: Readonly<Record<string, Readonly<Record<string, Usd>>>> | undefined
  /** The same by `details.speed`: `{ anthropic: { fast: 6 } }`. @default none is known */
  readonly speeds?: Readonly<Record<string, Readonly<Record<string, Usd>>>> | undefined
  /** The same by `details.inferenceGeo`, beside 1.1 for Anthropic's `us`. */
  readonly inferenceGeos?: Readonly<Record<string, Readonly<Record<string, Usd>>>> | undefined
}

/** Names in the list where they differ from ours. */
const listNames: Readonly<Record<string, string>> = {
  vertex: 'google',
  bedrock: 'aws',
  xai: 'x-ai',
}

/** How long the price of a model is taken from memory, as `updatePrices` can change it, in ms. */
const keptMs = 60_000
/** Prices change at whole minutes. */
const minuteMs = 60_000
const mostKept = 1000

/**
 * List prices of most models, by the optional peer `@pydantic/genai-prices`, whose version sets the
 * day of the prices (its own `updatePrices` renews them). What it does not know for sure is
 * unpriced: it takes a model for another one with a similar name, which is refused here, and knows
 * no price of service tiers, speeds and places but those of the options. Prices are those that
 * held when a response ended, by `record.at`.
 * @throws ConfigError when an option is wrong.
 */
export function genaiPrices(options: GenaiPricesOptions = {}): PriceFunction {
  checkKeys<GenaiPricesOptions>('genaiPrices', options, {
    providers: true,
    serviceTiers: true,
    speeds: true,
    inferenceGeos: true,
  })
  const factors = knownFactors(options)
  const { providers = {} } = options
  if (Object.values(providers).some((id) => typeof id !== 'string')) {
    throw new ConfigError(
      'genaiPrices: providers must name providers, such as { litellm: "openai" }',
    )
  }
  const named = new Map(Object.entries(providers))
  const ownTiers = new Set(Object.keys(options.serviceTiers ?? {}))
  const kept = new Map<string, KeptPrice>()

  return (record) => {
    const { provider, model, at } = record
    const key = `${provider} ${model}`
    const now = performance.now()
    const minute = Math.floor(at / minuteMs)
    let known = kept.get(key)
    if (known === undefined || known.minute !== minute || now - known.since >= keptMs) {
      const own = named.get(provider)
      const found = listPrice(own ?? listNames[provider] ?? provider, model, at, own !== undefined)
      // Is looked for again the next time: `updatePrices` may have brought it.
      if ('unpriced' in found) return found
      const { list } = found
      // Groq bills 10 seconds at the least: https://groq.com/pricing
      const leastSeconds = list === 'groq' ? 10 : 0
      const price = { ...found.price, ...factors(provider), leastSeconds }
      known = { list, price, minute, since: now, hasOwnTiers: ownTiers.has(provider) }
      if (kept.size >= mostKept) kept.clear()
      kept.set(key, known)
    }
    return notInList(record, known.price, known) ?? known.price
  }
}

interface KeptPrice {
  readonly list: string
  readonly price: ModelPrice
  readonly hasOwnTiers: boolean
  /** Of `record.at`. */
  readonly minute: number
  readonly since: number
}
