import { calcPrice, findProvider, type PriceCalculation } from '@pydantic/genai-prices'
import type { ModelPrice } from '../model-price.ts'
import type { Unpriced } from '../price-source.ts'
import { isSameModel } from './same-model.ts'
import { toModelPrice } from './to-model-price.ts'

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
