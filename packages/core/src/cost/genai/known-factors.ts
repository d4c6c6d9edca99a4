import { ConfigError } from '../../errors/errors.ts'
import { checkedDecimal } from '../checked-decimal.ts'
import type { ModelPrice, Usd } from '../model-price.ts'

/** By how much tokens cost more or less in a service tier, at a speed, in a place. */
export type Factors = Pick<ModelPrice, 'serviceTiers' | 'speeds' | 'inferenceGeos'>

type ByProvider = Readonly<Record<string, Readonly<Record<string, Usd>>>>

const known: { readonly [Kind in keyof Factors]-?: ByProvider } = {
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

const kinds = Object.keys(known) as (keyof Factors)[]

/**
 * The factors of a provider: what is known, and what the options add to it.
 * @throws ConfigError when an option is wrong.
 */
export function knownFactors(options: {
  readonly [Kind in keyof Factors]?: ByProvider | undefined
}): (provider: string) => Factors {
  for (const kind of kinds) check(kind, options[kind])
  const own = structuredClone(options)
  return (provider) =>
    Object.fromEntries(
      kinds.map((kind) => [kind, { ...known[kind][provider], ...own[kind]?.[provider] }]),
    )
}

function check(kind: string, byProvider: unknown): void {
  if (byProvider === undefined) return
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
  if (isObject(byProvider) && Object.values(byProvider).every(isObject)) {
    for (const [provider, factors] of Object.entries(byProvider) as [string, object][]) {
      for (const [name, factor] of Object.entries(factors)) {
        checkedDecimal(`genaiPrices: ${kind}.${provider}.${name}`, factor, 0)
      }
    }
    return
  }
  throw new ConfigError(
    `genaiPrices: ${kind} must be factors by provider, such as { openai: { flex: 0.5 } }`,
  )
}
