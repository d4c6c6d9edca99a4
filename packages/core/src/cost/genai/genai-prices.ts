import { calcPrice } from '@pydantic/genai-prices'
import { ConfigError } from '../../errors/config-error.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'
import type { ModelPrice, Usd } from '../model-price.ts'
import type { PriceFunction, Unpriced } from '../price-source.ts'
import { knownFactors, type Factors } from './known-factors.ts'
import { isSameModel } from './same-model.ts'
import { toModelPrice } from './to-model-price.ts'

export interface GenaiPricesOptions {
  /**
   * Whose prices hold for a provider of a record, by the list's own id: `{ litellm: 'openai' }` for a
   * proxy that has OpenAI behind it. @default those of the same company
   */
  readonly providers?: Readonly<Record<string, string>> | undefined
  /**
   * By how much the price of tokens is multiplied in a service tier, by provider, where the list has
   * no price of it: `{ openai: { priority: 2 } }`. Beside what is known: half for batches of OpenAI,
   * Azure, Anthropic and Google, and for OpenAI's `flex`.
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
  const factors = knownFactors(options)
  const { providers = {} } = options
  if (Object.values(providers).some((id) => typeof id !== 'string')) {
    throw new ConfigError(
      'genaiPrices: providers must name providers, such as { litellm: "openai" }',
    )
  }
  const kept = new Map<string, { readonly price: ModelPrice | Unpriced; readonly at: number }>()

  return ({ provider, model, at }) => {
    const key = `${provider} ${model}`
    const known = kept.get(key)
    if (known !== undefined && Math.abs(at - known.at) < keptMs) return known.price
    const listName = providers[provider] ?? listNames[provider] ?? provider
    const price = priceOf(listName, model, at, factors(provider))
    if (kept.size >= mostKept) kept.clear()
    kept.set(key, { price, at })
    return price
  }
}

function priceOf(
  providerId: string,
  name: UsageRecord['model'],
  at: number,
  factors: Factors,
): ModelPrice | Unpriced {
  const model = name.replace(/^models\//, '')
  let found
  try {
    found = calcPrice({}, model, { providerId, timestamp: new Date(at) })
  } catch {
    // It throws for a provider it does not know.
  }
  if (!found) {
    return { unpriced: `the list of @pydantic/genai-prices has no price of it at "${providerId}"` }
  }
  const { model: info, provider, model_price: prices } = found
  if (model.toLowerCase() !== info.id.toLowerCase() && !isSameModel(model, info.match)) {
    return { unpriced: `the list knows only a similar name, "${info.id}"` }
  }
  const price = toModelPrice(prices)
  if ('unpriced' in price) return price
  // Groq bills 10 seconds at the least: https://groq.com/pricing
  const leastSeconds = providerId === 'groq' ? 10 : 0
  return { ...price, ...factors, leastSeconds, pricedAs: `${provider.id}/${info.id}` }
}
