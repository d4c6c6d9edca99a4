import { ConfigError } from '../errors/errors.ts'
import { optionCheck } from '../errors/option-check.ts'
import { isPlain } from '../lib/json.ts'
import { tokenTypes } from '../usage/token-counts.ts'
import { type Decimal, decimal } from '../usage/decimal.ts'

/** An amount of USD: decimal text such as `'0.075'` is exact, and so is a number as it prints. */
export type Usd = string | number

/** A price that changes with the size of the prompt, as for long contexts. */
export interface TieredPrice {
  readonly base: Usd
  /**
   * The price of the whole request where its input (cached or not) is more than `inputTokens`. The
   * largest that applies.
   */
  readonly above: readonly { readonly inputTokens: number; readonly price: Usd }[]
}

/**
 * What a model costs, in USD per million tokens unless a line says otherwise. Usage that has no price
 * here makes a record unpriced, and is never guessed; `0` is a price. Only tokens of a modality
 * (audio, image, video) and of reasoning have the price of other tokens of their type where they
 * have none of their own, as price lists mean it.
 */
export interface ModelPrice {
  /** Input that was not cached. */
  readonly input?: Usd | TieredPrice | undefined
  readonly cachedInput?: Usd | TieredPrice | undefined
  /** Written to the cache for the provider's usual time. */
  readonly cachedWrite?: Usd | TieredPrice | undefined
  /** Written to the cache for an hour. */
  readonly cachedWrite1h?: Usd | TieredPrice | undefined
  /** Written to the cache for 12 hours. */
  readonly cachedWrite12h?: Usd | TieredPrice | undefined
  /** Output, with reasoning. */
  readonly output?: Usd | TieredPrice | undefined
  /** @default output */
  readonly reasoning?: Usd | TieredPrice | undefined
  /** @default input */
  readonly audioInput?: Usd | TieredPrice | undefined
  /** @default cachedInput */
  readonly cachedAudioInput?: Usd | TieredPrice | undefined
  /** @default output */
  readonly audioOutput?: Usd | TieredPrice | undefined
  /** @default input */
  readonly imageInput?: Usd | TieredPrice | undefined
  /** @default cachedInput */
  readonly cachedImageInput?: Usd | TieredPrice | undefined
  /** @default output */
  readonly imageOutput?: Usd | TieredPrice | undefined
  /** @default input */
  readonly videoInput?: Usd | TieredPrice | undefined
  /** @default cachedInput */
  readonly cachedVideoInput?: Usd | TieredPrice | undefined
  /** @default output */
  readonly videoOutput?: Usd | TieredPrice | undefined
  /** USD per 1000 web searches that the provider ran. */
  readonly webSearch?: Usd | undefined
  /** USD per 1000 web pages that the provider fetched. */
  readonly webFetch?: Usd | undefined
  /** USD per 1000 searches of X that xAI ran. */
  readonly xSearch?: Usd | undefined
  /** USD per 1000 sources of xAI's live search. */
  readonly searchSource?: Usd | undefined
  /** USD per 1000 answers or queries grounded in Google Maps. */
  readonly maps?: Usd | undefined
  /** USD per 1000 searches of stored files that the provider ran. */
  readonly fileSearch?: Usd | undefined
  /** USD per 1000 runs of the model's code at the provider. @default 0 */
  readonly codeExecution?: Usd | undefined
  /** USD per container that a response used, whoever made it. @default 0 */
  readonly container?: Usd | undefined
  /** USD per 1000 requests, beside the tokens. @default 0 */
  readonly request?: Usd | undefined
  /** USD per hour of audio or video, where that is billed by time. */
  readonly hour?: Usd | undefined
  /** What is billed at the least where time is billed, in seconds. @default 0 */
  readonly leastSeconds?: number | undefined
  /** USD per million characters, where text is billed by length. */
  readonly character?: Usd | undefined
  /** USD per image, where images are billed by piece. */
  readonly image?: Usd | undefined
  /** USD per 1000 pages of documents, where pages are billed by piece. */
  readonly page?: Usd | undefined
  /** USD per 1000 search units of a reranker. */
  readonly searchUnit?: Usd | undefined
  /** USD per 1000 classifications. */
  readonly classification?: Usd | undefined
  /**
   * By how much the price of tokens is multiplied in a service tier, such as `{ flex: 0.5 }`, by the
   * tier's name in the record, in lower case. A tier that is not the usual one and is not here makes
   * a record unpriced.
   */
  readonly serviceTiers?: Readonly<Record<string, Usd>> | undefined
  /** The same by `details.speed`, such as `{ fast: 6 }`. */
  readonly speeds?: Readonly<Record<string, Usd>> | undefined
  /** The same by `details.inferenceGeo`, such as `{ us: '1.1' }`. */
  readonly inferenceGeos?: Readonly<Record<string, Usd>> | undefined
  /** The price list's own name of the model, for the record. */
  readonly pricedAs?: string | undefined
}

// The names of prices, by how they are checked; those of the token types are beside them.
const perUnit: ReadonlySet<string> = new Set([
  'webSearch',
  'webFetch',
  'xSearch',
  'searchSource',
  'maps',
  'fileSearch',
  'codeExecution',
  'container',
  'request',
  'hour',
  'leastSeconds',
  'character',
  'image',
  'page',
  'searchUnit',
  'classification',
])
const perPart: ReadonlySet<string> = new Set([
  'cachedWrite1h',
  'cachedWrite12h',
  'reasoning',
  'audioInput',
  'cachedAudioInput',
  'audioOutput',
  'imageInput',
  'cachedImageInput',
  'imageOutput',
  'videoInput',
  'cachedVideoInput',
  'videoOutput',
])
const factors: ReadonlySet<string> = new Set(['serviceTiers', 'speeds', 'inferenceGeos'])

const check = optionCheck('cost')

/** @throws ConfigError that names the price which is none, or no price of `ModelPrice`. */
export function checkPrice(model: string, price: unknown): void {
  check(`the price of "${model}"`, price, 'an object of prices', isPlain)
  for (const [name, value] of Object.entries(price as object) as [string, unknown][]) {
    const what = `${name} of "${model}"`
    if (value === undefined || name === 'pricedAs') continue
    if (perUnit.has(name)) checkAmount(what, value)
    else if (perPart.has(name) || isTokenType(name)) checkTiers(what, value)
    else if (factors.has(name)) checkFactors(what, value)
    else
      throw new ConfigError(
        `cost: ${what} is no price; those are ${[...tokenTypes.map(({ count }) => count), ...perPart, ...perUnit, ...factors].join(', ')}`,
      )
  }
}

function isTokenType(name: string): boolean {
  return tokenTypes.some(({ count }) => count === name)
}

function checkTiers(what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) return checkAmount(what, value)
  const { base, above } = value as { base?: unknown; above?: unknown }
  checkAmount(`${what}.base`, base)
  const list = 'a list, such as [{ inputTokens: 200000, price: 6 }]'
  check(`${what}.above`, above, list, Array.isArray)
  for (const tier of above as { inputTokens?: unknown; price?: unknown }[]) {
    checkAmount(`${what}.above[].inputTokens`, tier?.inputTokens)
    checkAmount(`${what}.above[].price`, tier?.price)
  }
}

function checkFactors(what: string, value: unknown): void {
  check(what, value, 'an object, such as { flex: 0.5 }', isPlain)
  for (const [name, factor] of Object.entries(value as object)) {
    checkAmount(`${what}.${name}`, factor)
  }
}

function checkAmount(what: string, value: unknown): void {
  checkedDecimal(`cost: ${what}`, value, 0)
}

/** @throws ConfigError when `value` is no number, or is below `least`. */
export function checkedDecimal(what: string, value: unknown, least: number): Decimal {
  const isNegative = String(value).startsWith('-')
  const size = decimal(isNegative ? String(value).slice(1) : value)
  const number = isNegative ? size?.neg() : size
  if (number !== undefined && number.gte(least)) return number
  throw new ConfigError(
    `${what} must be a number, or decimal text, of ${least} or more, got ${String(value)}`,
  )
}
