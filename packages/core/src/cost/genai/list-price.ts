import {
  type ModelPrice as ListedPrices,
  type PriceCalculation,
  type TieredPrices,
  calcPrice,
  findProvider,
} from '@pydantic/genai-prices'
import type { ModelPrice, TieredPrice } from '../model-price.ts'
import type { Unpriced } from '../price-source.ts'
import { isSameModel } from './same-model.ts'

/** The price of a model, and the list's id of whose price it is. */
export interface ListPrice {
  readonly list: string
  readonly price: ModelPrice
}

/** Whose models other servers sell at the same price, where the list falls back to them. */
const soldAlike = ['openai', 'anthropic']

/**
 * What the list says that a model costs, or why that is not to be believed.
 *
 * @param isNamed whether the application itself named the provider. Otherwise only the very id
 *   counts: the list takes `my-openai-proxy` for OpenAI.
 */
export function listPrice(
  providerId: string,
  name: string,
  at: number,
  isNamed: boolean,
): ListPrice | Unpriced {
  const model = name.replace(/^models\//, '')
  let found
  try {
    found = calcPrice({}, model, { providerId, timestamp: new Date(at) })
  } catch {
    // It throws for a provider it does not know.
  }
  if (!found || !((isNamed || found.provider.id === providerId) && isItsPrice(found))) {
    return { unpriced: `the list of @pydantic/genai-prices has no price of it at "${providerId}"` }
  }
  const { model: info, provider, model_price: prices } = found
  if (model.toLowerCase() !== info.id.toLowerCase() && !isSameModel(model, info.match)) {
    return { unpriced: `the list knows only a similar name, "${info.id}"` }
  }
  const price = toModelPrice(prices)
  if ('unpriced' in price) return price
  return { list: provider.id, price: { ...price, pricedAs: `${provider.id}/${info.id}` } }
}

/** The list falls back to the prices of a model's creator, which are not always those of who serves it. */
function isItsPrice({ provider, model }: PriceCalculation): boolean {
  return (
    provider.models.includes(model) ||
    soldAlike.some((id) => findProvider({ providerId: id })?.models.includes(model))
  )
}

/** The list's prices that this package has the counts for. */
const perToken = {
  input_mtok: 'input',
  cache_read_mtok: 'cachedInput',
  cache_write_mtok: 'cachedWrite',
  cache_write_1h_mtok: 'cachedWrite1h',
  output_mtok: 'output',
  output_reasoning_mtok: 'reasoning',
  input_audio_mtok: 'audioInput',
  cache_audio_read_mtok: 'cachedAudioInput',
  output_audio_mtok: 'audioOutput',
  input_image_mtok: 'imageInput',
  cache_image_read_mtok: 'cachedImageInput',
  output_image_mtok: 'imageOutput',
  input_video_mtok: 'videoInput',
  cache_video_read_mtok: 'cachedVideoInput',
  output_video_mtok: 'videoOutput',
} as const satisfies Record<string, keyof ModelPrice>

const perPiece = {
  web_searches_kcount: 'webSearch',
  social_searches_kcount: 'xSearch',
  storage_searches_kcount: 'fileSearch',
  code_executions_kcount: 'codeExecution',
  audio_hours: 'hour',
} as const satisfies Record<string, keyof ModelPrice>

/** Prices of things that a call need not have, and that no usage counts. */
const uncounted: ReadonlySet<string> = new Set([
  // The same as audio_hours, of the same sound.
  'input_audio_hours',
])

/** The list's price of a model as one of this package, or why it cannot be one. */
function toModelPrice(prices: ListedPrices): ModelPrice | Unpriced {
  const price: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(prices)) {
    if (value === undefined || uncounted.has(key)) continue
    if (Object.hasOwn(perToken, key)) {
      price[perToken[key as keyof typeof perToken]] = tiersOf(value)
    } else if (Object.hasOwn(perPiece, key) && typeof value === 'number') {
      price[perPiece[key as keyof typeof perPiece]] = value
    } else if (key === 'requests_kcount') {
      // Perplexity's, whose price changes with the context of a search: the list has the highest.
      return { unpriced: 'the list has only the highest of its prices per request' }
    } else {
      return { unpriced: `the list prices it by ${key}, which no usage counts` }
    }
  }
  return price
}

function tiersOf(price: number | TieredPrices): number | TieredPrice {
  if (typeof price === 'number') return price
  return {
    base: price.base,
    above: price.tiers.map(({ start, price }) => ({ inputTokens: start, price })),
  }
}
