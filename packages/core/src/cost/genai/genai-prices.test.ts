import { type Provider, calcPrice, findProvider } from '@pydantic/genai-prices'
import { exampleRecord } from '@token-meter/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError } from '../../errors/errors.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'
import { cost } from '../cost.ts'
import { genaiPrices } from './genai-prices.ts'

const tokens = { input: 700, cachedInput: 300, cachedWrite: 0, output: 100 }

function priced(overrides: Partial<UsageRecord>, options = {}) {
  const record = exampleRecord({ tokens, details: {}, serviceTier: null, ...overrides })
  return cost({ prices: genaiPrices(options) })(record)
}

describe('genaiPrices', () => {
  test.each([
    ['openai', 'gpt-5.4-2026-03-05', 'openai/gpt-5.4'],
    ['openai', 'gpt-4o-mini', 'openai/gpt-4o-mini'],
    ['azure', 'gpt-4o-mini-2024-07-18', 'azure/gpt-4o-mini'],
    ['anthropic', 'claude-sonnet-4-5-20250929', 'anthropic/claude-sonnet-4-5'],
    ['google', 'models/gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['google', 'gemini-2.0-flash-001', 'google/gemini-2.0-flash'],
    ['vertex', 'gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['xai', 'grok-4-latest', 'x-ai/grok-4-0709'],
    ['openrouter', 'anthropic/claude-sonnet-4.6', 'openrouter/anthropic/claude-sonnet-4.6'],
    ['mistral', 'magistral-small-2509', 'mistral/magistral-small'],
    // Where the list's match ends before, or inside, the date of the snapshot.
    ['openai', 'gpt-5-nano-2025-08-07', 'openai/gpt-5-nano'],
    ['anthropic', 'claude-sonnet-4-20250514', 'anthropic/claude-sonnet-4-0'],
  ])('%s %s costs what the list says of %s', (provider, model, pricedAs) => {
    const plain = { input: 1000, cachedInput: 0, cachedWrite: 0, output: 100 }
    const answer = priced({ provider, model, tokens: plain })
    expect(answer).toMatchObject({ pricedAs, source: 'prices' })
    const [providerId = ''] = pricedAs.split('/')
    const list = calcPrice(
      { input_tokens: 1000, output_tokens: 100 },
      model.replace('models/', ''),
      {
        providerId,
      },
    )
    expect(Number('provider' in answer && answer.provider)).toBeCloseTo(list?.total_price ?? -1, 12)
  })

  test.each([
    ['anthropic', 'claude-sonnet-5-5'],
    ['google', 'gemini-3.8-flash-lite'],
    ['openai', 'gpt-4o-realtime-preview-mini'],
    ['deepseek', 'deepseek-chat-next'],
    ['openai', 'gpt-5-nano-next'],
    ['openai', 'gpt-5-nano-next-2026-01-01'],
    ['anthropic', 'claude-sonnet-4-20250514-fast'],
  ])('%s %s is not the model whose name begins like it', (provider, model) => {
    expect(calcPrice({ input_tokens: 1 }, model, { providerId: provider })).not.toBeNull()
    expect(priced({ provider, model })).toEqual({
      unpriced: expect.stringMatching(/only a similar name, "/),
    })
  })

  test('a batch of small requests is not priced as one long one', () => {
    const batch = {
      model: 'gpt-5.4',
      serviceTier: 'batch',
      requests: 1000,
      tokens: { input: 1_000_000, cachedInput: 0, cachedWrite: 0, output: 100_000 },
    }
    expect(priced(batch)).toMatchObject({ provider: '2', tierUnknown: true })
    expect(priced({ ...batch, requests: 1 })).toMatchObject({ provider: '3.625' })
  })

  test('an unknown model, and a provider that the list does not have, are unpriced', () => {
    expect(priced({ model: 'gpt-9' })).toHaveProperty('unpriced')
    expect(priced({ provider: 'vercel', model: 'openai/gpt-5.4' })).toHaveProperty('unpriced')
    const options = { providers: { litellm: 'openai' } }
    expect(priced({ provider: 'litellm', model: 'gpt-5.4' }, options)).toMatchObject({
      pricedAs: 'openai/gpt-5.4',
    })
  })

  test('a provider that only sounds like one of the list is unpriced', () => {
    expect(calcPrice({}, 'gpt-5.4', { providerId: 'my-openai-proxy' })).not.toBeNull()
    expect(priced({ provider: 'my-openai-proxy', model: 'gpt-5.4' })).toHaveProperty('unpriced')
  })

  test("another creator's price is not that of who serves its model", () => {
    expect(calcPrice({}, 'deepseek-r1', { providerId: 'azure' })).not.toBeNull()
    expect(priced({ provider: 'azure', model: 'deepseek-r1' })).toHaveProperty('unpriced')
    expect(priced({ provider: 'azure', model: 'claude-opus-4-6' })).toHaveProperty('provider')
  })

  test('sound costs its own price or is unpriced', () => {
    const sound = { details: { audioInput: 100, audioOutput: 10 } }
    const plain = { input: 700, cachedInput: 0, cachedWrite: 0, output: 100 }
    for (const model of ['gpt-4o-audio-preview', 'gpt-4o-mini-audio-preview']) {
      expect(priced({ model, tokens: plain })).toHaveProperty('provider')
      expect(priced({ model, tokens: plain, ...sound })).toEqual({
        unpriced: 'the list has no price of its audio input',
      })
    }
    expect(priced({ model: 'gpt-audio', tokens: plain, ...sound })).toHaveProperty('provider')
  })

  test("images of Cohere's embeddings are unpriced: the list has the price of text", () => {
    const embedded = {
      provider: 'cohere',
      model: 'embed-v4.0',
      tokens: { input: 1621, cachedInput: 0, cachedWrite: 0, output: 0 },
    }
    expect(priced(embedded)).toHaveProperty('provider')
    expect(priced({ ...embedded, details: { imageInput: 1610, images: 1 } })).toEqual({
      unpriced: 'the list has no price of its image input',
    })
  })

  test('a price per request that depends on the request is unpriced', () => {
    expect(priced({ provider: 'perplexity', model: 'sonar' })).toEqual({
      unpriced: expect.stringMatching(/highest/),
    })
  })

  test.each([
    ['groq', 'llama-3.3-70b-versatile', 'flex', 1],
    ['google', 'gemini-2.5-pro', 'FLEX', 0.5],
    ['google', 'gemini-2.5-pro', 'unspecified', 1],
    ['google', 'gemini-2.5-pro', 'priority', undefined],
    ['vertex', 'gemini-2.5-pro', 'PROVISIONED_THROUGHPUT', undefined],
    ['groq', 'llama-3.3-70b-versatile', 'performance', undefined],
  ])('%s %s in the tier %s', (provider, model, serviceTier, factor) => {
    const plain = { provider, model, tokens: { ...tokens, cachedInput: 0 } }
    const amount = (answer: object) => ('provider' in answer ? Number(answer.provider) : undefined)
    const usual = amount(priced(plain)) ?? 0
    const expected = factor === undefined ? undefined : expect.closeTo(usual * factor, 12)
    expect(amount(priced({ ...plain, serviceTier }))).toEqual(expected)
  })

  test('what Google takes for cached input in a batch is not in the list', () => {
    const batch = { provider: 'google', model: 'gemini-2.5-pro', serviceTier: 'batch' }
    expect(priced(batch)).toHaveProperty('unpriced')
    expect(priced({ ...batch, tokens: { ...tokens, cachedInput: 0 } })).toHaveProperty('provider')
    const options = { serviceTiers: { google: { batch: '0.6' } } }
    expect(priced(batch, options)).toHaveProperty('provider')
  })

  test('a price that comes into the list is found at once, also for an old response', async () => {
    const price = genaiPrices()
    const record = exampleRecord({ provider: 'deepseek', model: 'brand-new' })
    expect(price(record)).toHaveProperty('unpriced')
    const provider = findProvider({ providerId: 'deepseek' }) as Provider
    const models = [...provider.models]
    provider.models.push({
      id: 'brand-new',
      match: { equals: 'brand-new' },
      prices: { input_mtok: 3, output_mtok: 4 },
    })
    onTestFinished(() => void (provider.models = models))
    expect(price(record)).toMatchObject({ input: 3 })
  })

  test('a price that changes does so to the minute', () => {
    const provider = findProvider({ providerId: 'deepseek' }) as Provider
    const models = [...provider.models]
    provider.models.push({
      id: 'dated',
      match: { equals: 'dated' },
      prices: [
        { prices: { input_mtok: 1 } },
        {
          constraint: { type: 'start_date', start_date: '2026-01-01' },
          prices: { input_mtok: 2 },
        },
      ],
    })
    onTestFinished(() => void (provider.models = models))
    const price = genaiPrices()
    const midnight = Date.UTC(2026, 0, 1)
    const at = (ms: number) =>
      price(exampleRecord({ provider: 'deepseek', model: 'dated', at: ms }))
    expect(at(midnight - 1)).toMatchObject({ input: 1 })
    expect(at(midnight)).toMatchObject({ input: 2 })
    expect(at(midnight - 1)).toMatchObject({ input: 1 })
  })

  test('half for batches and flex; other tiers only by option', () => {
    const standard = { provider: '0.003325' }
    const half = { provider: '0.0016625' }
    const model = 'gpt-5.4'
    expect(priced({ model, serviceTier: 'default' })).toMatchObject(standard)
    expect(priced({ model, serviceTier: 'batch' })).toMatchObject(half)
    expect(priced({ model, serviceTier: 'flex' })).toMatchObject(half)
    expect(priced({ model, serviceTier: 'priority' })).toHaveProperty('unpriced')
    const options = { serviceTiers: { openai: { priority: 2 } } }
    expect(priced({ model, serviceTier: 'priority' }, options)).toMatchObject({
      provider: '0.00665',
    })
    expect(priced({ model, serviceTier: 'batch' }, options)).toMatchObject(half)
  })

  test("Anthropic's places and speeds", () => {
    const claude = { provider: 'anthropic', model: 'claude-opus-4-6' }
    const list = priced(claude) as { provider: string }
    const us = priced({ ...claude, details: { inferenceGeo: 'us' } }) as { provider: string }
    expect(Number(us.provider)).toBeCloseTo(Number(list.provider) * 1.1, 12)
    expect(priced({ ...claude, details: { speed: 'fast' } })).toHaveProperty('unpriced')
  })

  test('prices are those of the day of the response', () => {
    const dated = findProvider({ providerId: 'deepseek' })?.models.find(({ prices }) =>
      Array.isArray(prices),
    )
    const model = dated?.id ?? ''
    const seen = new Set<unknown>()
    const price = genaiPrices()
    // The same function, so that nothing it remembers stands in the way.
    for (let hour = 0; hour < 24; hour++) {
      const at = Date.UTC(2025, 5, 1, hour, 30)
      const expected = calcPrice({}, model, { providerId: 'deepseek', timestamp: new Date(at) })
      const answer = price(exampleRecord({ provider: 'deepseek', model, at }))
      expect(answer).toMatchObject({ input: expected?.model_price['input_mtok'] })
      seen.add(JSON.stringify(answer))
    }
    expect(seen.size).toBeGreaterThan(1)
  })

  test('a model that is priced by something that no usage counts is unpriced', () => {
    const answer = priced({ provider: 'perplexity', model: 'sonar-deep-research' })
    expect(answer).toEqual({ unpriced: expect.stringContaining('citation') })
  })

  test('every model of the list is itself, or its name is that of no model', () => {
    const others = ['openai', 'anthropic', 'google', 'groq', 'x-ai', 'azure', 'together'].flatMap(
      (id) =>
        findProvider({ providerId: id })?.models.map((model) => [id, model.id] as const) ?? [],
    )
    const unpriced = others.filter(([provider, model]) => {
      const plain = { input: 1, cachedInput: 0, cachedWrite: 0, output: 0 }
      const answer = priced({
        provider: provider === 'x-ai' ? 'xai' : provider,
        model,
        tokens: plain,
      })
      return 'unpriced' in answer && /similar/.test(answer.unpriced)
    })
    expect(others.length).toBeGreaterThan(200)
    expect(unpriced).toEqual([])
  })

  test.each([
    { providers: { litellm: 3 } },
    { serviceTiers: { flex: 0.5 } },
    { serviceTiers: { openai: { flex: 'half' } } },
    { speeds: 'fast' },
  ])('refuses %j', (options) => {
    expect(() => genaiPrices(options as never)).toThrow(ConfigError)
  })
})
