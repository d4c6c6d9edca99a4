import { ConfigError } from '../errors/errors.ts'
import { tokenTypes } from '../usage/token-counts.ts'
import { checkedDecimal } from './checked-decimal.ts'

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

/** @throws ConfigError that names the price which is none, or no price of `ModelPrice`. */
export function checkPrice(model: string, price: unknown): void {
  if (typeof price !== 'object' || price === null) {
    throw new ConfigError(`cost: the price of "${model}" must be an object of prices`)
  }
  for (const [name, value] of Object.entries(price) as [string, unknown][]) {
    const what = `cost: ${name} of "${model}"`
    if (value === undefined || name === 'pricedAs') continue
    if (perUnit.has(name)) checkedDecimal(what, value, 0)
    else if (perPart.has(name) || isTokenType(name)) checkTiers(what, value)
    else if (factors.has(name)) checkFactors(what, value)
    else
      throw new ConfigError(
        `${what} is no price; those are ${[...tokenTypes.map(({ count }) => count), ...perPart, ...perUnit, ...factors].join(', ')}`,
      )
  }
}

function isTokenType(name: string): boolean {
  return tokenTypes.some(({ count }) => count === name)
}

function checkTiers(what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    checkedDecimal(what, value, 0)
    return
  }
  const { base, above } = value as { base?: unknown; above?: unknown }
  checkedDecimal(`${what}.base`, base, 0)
  if (!Array.isArray(above)) {
    throw new ConfigError(
      `${what}.above must be a list, such as [{ inputTokens: 200000, price: 6 }]`,
    )
  }
  for (const tier of above as { inputTokens?: unknown; price?: unknown }[]) {
    checkedDecimal(`${what}.above[].inputTokens`, tier?.inputTokens, 0)
    checkedDecimal(`${what}.above[].price`, tier?.price, 0)
  }
}

function checkFactors(what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    throw new ConfigError(`${what} must be an object, such as { flex: 0.5 }`)
  }
  for (const [name, factor] of Object.entries(value)) checkedDecimal(`${what}.${name}`, factor, 0)
}
