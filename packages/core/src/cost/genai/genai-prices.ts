import { checkKeys, isText, optionCheck, type OptionCheck } from '../../errors/option-check.ts'
import { isPlain } from '../../lib/json.ts'
import { type ModelPrice, type Usd, checkedDecimal } from '../model-price.ts'
import type { PriceFunction, Unpriced } from '../price-source.ts'
import { listPrice } from './list-price.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'

const check: OptionCheck = optionCheck('genaiPrices')

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
const maxKept = 1000

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
  const factors = factorsByProvider(options)
  const { providers = {} } = options
  const names = 'names of providers, such as { litellm: "openai" }'
  check('providers', providers, names, (value) => Object.values(value as object).every(isText))
  const named = new Map(Object.entries(providers))
  const ownTiers = new Set(Object.keys(options.serviceTiers ?? {}))
  const kept = new Map<string, KeptPrice>()

  return (record) => {
    const { provider, model, at } = record
    const key = `${provider} ${model}`
    const now = performance.now()
    const minute = Math.floor(at / minuteMs)
    let cached = kept.get(key)
    if (cached === undefined || cached.minute !== minute || now - cached.since >= keptMs) {
      const own = named.get(provider)
      const found = listPrice(own ?? listNames[provider] ?? provider, model, at, own !== undefined)
      // Is looked for again the next time: `updatePrices` may have brought it.
      if ('unpriced' in found) return found
      const { list } = found
      // Groq bills 10 seconds at the least: https://groq.com/pricing
      const leastSeconds = list === 'groq' ? 10 : 0
      const price = { ...found.price, ...factors(provider), leastSeconds }
      cached = { list, price, minute, since: now, hasOwnTiers: ownTiers.has(provider) }
      if (kept.size >= maxKept) kept.clear()
      kept.set(key, cached)
    }
    return notInList(record, cached.price, cached) ?? cached.price
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

/** By how much tokens cost more or less in a service tier, at a speed, in a place. */
type Factors = Pick<ModelPrice, 'serviceTiers' | 'speeds' | 'inferenceGeos'>

type ByProvider = Readonly<Record<string, Readonly<Record<string, Usd>>>>

const knownFactors: { readonly [Kind in keyof Factors]-?: ByProvider } = {
  serviceTiers: {
    // https://developers.openai.com/api/docs/pricing
    openai: { batch: '0.5', flex: '0.5' },
    azure: { batch: '0.5' },
    // https://platform.claude.com/docs/en/about-claude/pricing
    anthropic: { batch: '0.5' },
    // https://ai.google.dev/gemini-api/docs/optimization
    google: { batch: '0.5', flex: '0.5', unspecified: 1 },
    // https://console.groq.com/docs/flex-processing
    groq: { flex: 1 },
  },
  speeds: {},
  // Of the models that tell the place: https://platform.claude.com/docs/en/about-claude/pricing
  inferenceGeos: { anthropic: { us: '1.1' } },
}

const kinds = Object.keys(knownFactors) as (keyof Factors)[]

/**
 * The factors of a provider: what is known, and what the options add to it.
 * @throws ConfigError when an option is wrong.
 */
function factorsByProvider(options: {
  readonly [Kind in keyof Factors]?: ByProvider | undefined
}): (provider: string) => Factors {
  for (const kind of kinds) checkFactors(kind, options[kind])
  const own = structuredClone(options)
  return (provider) =>
    Object.fromEntries(
      kinds.map((kind) => [kind, { ...knownFactors[kind][provider], ...own[kind]?.[provider] }]),
    )
}

function checkFactors(kind: string, byProvider: unknown = {}): void {
  const wanted = 'factors by provider, such as { openai: { flex: 0.5 } }'
  check(kind, byProvider, wanted, (value) => isPlain(value) && Object.values(value).every(isPlain))
  for (const [provider, factors] of Object.entries(byProvider as Record<string, object>)) {
    for (const [name, factor] of Object.entries(factors)) {
      checkedDecimal(`genaiPrices: ${kind}.${provider}.${name}`, factor, 0)
    }
  }
}

const halved: ReadonlySet<string | undefined> = new Set(['batch', 'flex'])

/**
 * What the list leaves out of a record's price without saying so.
 *
 * @param list the list's id of the provider.
 * @param hasOwnTiers whether the application gave factors of its own for the provider's tiers.
 */
function notInList(
  { details, serviceTier, tokens }: UsageRecord,
  price: ModelPrice,
  { list, hasOwnTiers }: { readonly list: string; readonly hasOwnTiers: boolean },
): Unpriced | undefined {
  // Sound costs many times what text does there, and always has a price of its own.
  if (list === 'openai' || list === 'azure') {
    if (details.audioInput && price.audioInput === undefined) return noPriceOf('audio input')
    if (details.audioOutput && price.audioOutput === undefined) return noPriceOf('audio output')
  }
  // Four times what text does: https://cohere.com/pricing
  if (list === 'cohere' && details.imageInput && price.imageInput === undefined) {
    return noPriceOf('image input')
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
