import type { UsageRecord } from '../usage/usage-record.ts'
import { allInput, type TokenCountName, tokenTypes } from '../usage/token-counts.ts'
import { decimal, type Decimal, zero } from '../usage/decimal.ts'
import type { ModelPrice, TieredPrice, Usd } from './model-price.ts'
import type { Unpriced } from './price-source.ts'

/** `shiftedBy` takes twice as long. */
const millionth = zero.plus(1).shiftedBy(-6)

/** A price of `ModelPrice` that is for tokens. */
type TokenPrice = {
  [Name in keyof ModelPrice]-?: TieredPrice extends ModelPrice[Name] ? Name : never
}[keyof ModelPrice]

/** What the tokens of a record cost by a price list, before factors. */
export function amountOfTokens(record: UsageRecord, price: ModelPrice): Decimal | Unpriced {
  const prompt = allInput(record.tokens)
  let amount: Decimal | undefined
  for (const [name, tokens] of partsOf(record, price)) {
    if (tokens === 0) continue
    if (!isQuantity(tokens)) return { unpriced: 'its details contradict its counts' }
    const perMillion = decimal(priceAt(price[name], prompt))
    if (perMillion === undefined) return { unpriced: `there is no price of ${name}` }
    const cost = perMillion.times(tokens)
    amount = amount === undefined ? cost : amount.plus(cost)
  }
  return amount === undefined ? zero : amount.times(millionth)
}

/** The tokens of a record, each once, at the price that is for them. */
function partsOf(
  { tokens, details }: UsageRecord,
  price: ModelPrice,
): readonly (readonly [TokenPrice, number])[] {
  const own = (name: TokenPrice, count: number | undefined): number =>
    price[name] === undefined ? 0 : (count ?? 0)
  // The subsets of the input are of all of it, cached or not.
  const uncached = (all: number | undefined, cached = 0): number => (all ?? cached) - cached
  const { cachedAudioInput, cachedImageInput, cachedWrite1h = 0, cachedWrite12h = 0 } = details
  const { creditedWrite = 0 } = details
  // A prompt has what it keeps for an hour before what it keeps for less.
  const credited1h = Math.min(creditedWrite, cachedWrite1h)
  const audio = own('audioInput', uncached(details.audioInput, cachedAudioInput))
  const image = own('imageInput', uncached(details.imageInput, cachedImageInput))
  const video = own('videoInput', details.videoInput)
  const cachedAudio = own('cachedAudioInput', cachedAudioInput)
  const cachedImage = own('cachedImageInput', cachedImageInput)
  const audioOutput = own('audioOutput', details.audioOutput)
  const imageOutput = own('imageOutput', details.imageOutput)
  const videoOutput = own('videoOutput', details.videoOutput)
  const reasoning = own('reasoning', details.reasoning)
  /** Parts of a count that have a price of their own; the rest of it has that of the count. */
  const apart: Readonly<Record<TokenCountName, readonly (readonly [TokenPrice, number])[]>> = {
    input: [
      ['audioInput', audio],
      ['imageInput', image],
      ['videoInput', video],
    ],
    cachedInput: [
      ['cachedAudioInput', cachedAudio],
      ['cachedImageInput', cachedImage],
    ],
    cachedWrite: [
      ['cachedWrite1h', cachedWrite1h - credited1h],
      ['cachedWrite12h', cachedWrite12h],
      // Written, and at the price of what is read.
      ['cachedInput', creditedWrite],
    ],
    output: [
      ['audioOutput', audioOutput],
      ['imageOutput', imageOutput],
      ['videoOutput', videoOutput],
      ['reasoning', reasoning],
    ],
  }
  return tokenTypes.flatMap(({ count }): readonly (readonly [TokenPrice, number])[] => {
    const parts = apart[count] ?? []
    const rest = parts.reduce((left, [, part]) => left - part, tokens[count] ?? 0)
    return [[count, rest], ...parts]
  })
}

/** Of an application's own usage, a detail can be anything. */
export function isQuantity(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0
}

function priceAt(price: Usd | TieredPrice | undefined, prompt: number): Usd | undefined {
  if (typeof price !== 'object') return price
  let best = { inputTokens: -1, price: price.base }
  for (const tier of price.above) {
    if (prompt > tier.inputTokens && tier.inputTokens > best.inputTokens) best = tier
  }
  return best.price
}
