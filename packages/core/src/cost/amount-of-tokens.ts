import type { RequestUsage, UsageRecord } from '../usage/usage-record.ts'
import { allInput, type TokenCountName, type TokenType, tokenTypes } from '../usage/token-counts.ts'
import { decimal, type Decimal, zero } from '../usage/decimal.ts'
import type { ModelPrice, TieredPrice, Usd } from './model-price.ts'
import type { Unpriced } from './price-source.ts'

/** A division takes several times as long. */
const millionth = zero.plus('0.000001')

/** A price of `ModelPrice` that is for tokens. */
type TokenPrice = {
  [Name in keyof ModelPrice]-?: TieredPrice extends ModelPrice[Name] ? Name : never
}[keyof ModelPrice]

/** An amount, and whether a price in it depends on the size of requests that nobody said. */
export interface Amount {
  readonly amount: Decimal
  readonly tierUnknown: boolean
}

/**
 * What the tokens of a record cost by a price list, before factors. A sum of requests costs what
 * they do one by one; where they are not known, the price of small ones is taken, and that is said
 * where one of them can have been large.
 */
export function amountOfTokens(record: UsageRecord, price: ModelPrice): Amount | Unpriced {
  const { requests = 1 } = record
  if (requests === 1) return known(amountOfRequest(record, price, allInput(record.tokens)))
  const { parts } = record
  if (parts !== undefined && isWhole(parts, record)) {
    let sum = zero
    for (const part of parts) {
      const amount = amountOfRequest(part, price, allInput(part.tokens))
      if ('unpriced' in amount) return amount
      sum = sum.plus(amount)
    }
    return known(sum)
  }
  const prompt = allInput(record.tokens)
  const amount = amountOfRequest(record, price, Math.min(prompt, 1))
  if ('unpriced' in amount) return amount
  return { amount, tierUnknown: prompt > leastTier(record, price) }
}

function known(amount: Decimal | Unpriced): Amount | Unpriced {
  return 'unpriced' in amount ? amount : { amount, tierUnknown: false }
}

/** Whether parts are all of a record. */
function isWhole(parts: readonly RequestUsage[], { tokens }: RequestUsage): boolean {
  return tokenTypes.every(
    ({ count }) =>
      parts.reduce((sum, part) => sum + (part.tokens[count] ?? 0), 0) === (tokens[count] ?? 0),
  )
}

/** Up to so much input no price of the record depends on its size. */
function leastTier(record: RequestUsage, price: ModelPrice): number {
  let least = Infinity
  for (const [name, tokens] of partsOf(record, price)) {
    const own = price[name]
    if (tokens === 0 || typeof own !== 'object') continue
    for (const { inputTokens } of own.above)
      if (inputTokens > 0) least = Math.min(least, inputTokens)
  }
  return least
}

/** What one request costs whose input is `prompt` tokens long. */
function amountOfRequest(
  record: RequestUsage,
  price: ModelPrice,
  prompt: number,
): Decimal | Unpriced {
  const mixed = unsplit(record, price)
  if (mixed !== undefined) return mixed
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

/** The prices that tokens of a type can have beside that of text. */
const mediaPrices: Readonly<Partial<Record<TokenType, readonly TokenPrice[]>>> = {
  input: ['audioInput', 'imageInput', 'videoInput'],
  cached_input: ['cachedAudioInput', 'cachedImageInput', 'cachedVideoInput'],
  output: ['audioOutput', 'imageOutput', 'videoOutput'],
}

/** Tokens that can be of several prices, of which nobody said how many are of which. */
function unsplit({ tokens, details }: RequestUsage, price: ModelPrice): Unpriced | undefined {
  for (const { type, count } of tokenTypes) {
    if (!tokens[count] || !details.unsplit?.includes(type)) continue
    const own = mediaPrices[type]?.find((name) => price[name] !== undefined)
    if (own === undefined) continue
    return { unpriced: `how much of its ${count} is at the price of ${own} is not known` }
  }
  return undefined
}

/** The tokens of a request, each once, at the price that is for them. */
function partsOf(
  { tokens, details }: RequestUsage,
  price: ModelPrice,
): readonly (readonly [TokenPrice, number])[] {
  const own = (name: TokenPrice, count: number | undefined): number =>
    price[name] === undefined ? 0 : (count ?? 0)
  // The subsets of the input are of all of it, cached or not.
  const uncached = (all: number | undefined, cached = 0): number => (all ?? cached) - cached
  const { cachedAudioInput, cachedImageInput, cachedVideoInput } = details
  const { cachedWrite1h = 0, cachedWrite12h = 0, creditedWrite = 0 } = details
  // A prompt has what it keeps for an hour before what it keeps for less.
  const credited1h = Math.min(creditedWrite, cachedWrite1h)
  const audio = own('audioInput', uncached(details.audioInput, cachedAudioInput))
  const image = own('imageInput', uncached(details.imageInput, cachedImageInput))
  const video = own('videoInput', uncached(details.videoInput, cachedVideoInput))
  const cachedAudio = own('cachedAudioInput', cachedAudioInput)
  const cachedImage = own('cachedImageInput', cachedImageInput)
  const cachedVideo = own('cachedVideoInput', cachedVideoInput)
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
      ['cachedVideoInput', cachedVideo],
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
