import { exampleRecord } from '@token-meter/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../errors/errors.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { cost } from './cost.ts'
import type { ModelPrice } from './model-price.ts'

const price: ModelPrice = { input: '2.5', cachedInput: 0.25, cachedWrite: '3.125', output: 15 }
const prices = { 'openai/gpt-5.4': price }
const tokens = { input: 700, cachedInput: 300, cachedWrite: 0, output: 100 }

function record(overrides: Partial<UsageRecord> = {}): UsageRecord {
  return exampleRecord({ tokens, details: {}, serviceTier: null, ...overrides })
}

/** The cost of a record of a model with these prices. */
function priced(own: ModelPrice, overrides: Partial<UsageRecord> = {}) {
  return cost({ prices: { 'openai/gpt-5.4': own } })(record(overrides))
}

const usd = (provider: string) => ({ currency: 'USD', provider, billed: provider })

describe('cost', () => {
  test('each token type at its own price, without float drift', () => {
    // 700 x 2.5 + 300 x 0.25 + 100 x 15, per million: as floats 0.0033250000000000003.
    expect(cost({ prices })(record())).toEqual({
      ...usd('0.003325'),
      source: 'prices',
      pricedAs: 'openai/gpt-5.4',
    })
    const odd = { input: '0.1', output: '0.2' }
    const one = { input: 1, cachedInput: 0, cachedWrite: 0, output: 1 }
    expect(priced(odd, { tokens: one })).toMatchObject(usd('0.0000003'))
  })

  test('cache writes that a fallback credit covers cost what reads do', () => {
    const own = { ...price, cachedWrite1h: 5 }
    const written = { input: 0, cachedInput: 1000, cachedWrite: 2_000_000, output: 0 }
    const of = (details: UsageRecord['details']) => priced(own, { tokens: written, details })
    // 0.00025 for what was read, and 3.125, 5 and 0.25 a million.
    expect(of({})).toMatchObject(usd('6.25025'))
    expect(of({ creditedWrite: 500_000 })).toMatchObject(usd('4.81275'))
    expect(of({ creditedWrite: 2_000_000 })).toMatchObject(usd('0.50025'))
    // Those of an hour come first: 0.4 of them and 0.1 of the others.
    const split = { cachedWrite1h: 400_000 }
    expect(of(split)).toMatchObject(usd('7.00025'))
    expect(of({ ...split, creditedWrite: 500_000 })).toMatchObject(usd('4.81275'))
    expect(of({ ...split, creditedWrite: 100_000 })).toMatchObject(usd('6.52525'))
    for (const fallbackCredit of ['unknown', 'not_applied'] as const) {
      expect(of({ fallbackCredit })).toMatchObject(usd('6.25025'))
    }
    expect(of({ creditedWrite: 2_000_001 })).toHaveProperty('unpriced')
  })

  test('is exact for any counts and prices', () => {
    const count = fc.nat({ max: 10 ** 12 })
    const micros = fc.nat({ max: 10 ** 9 })
    fc.assert(
      fc.property(count, count, micros, micros, (input, output, a, b) => {
        const text = (value: number) =>
          `${Math.floor(value / 1e6)}.${String(value % 1e6).padStart(6, '0')}`
        const answer = priced(
          { input: text(a), output: text(b) },
          { tokens: { input, output, cachedInput: 0, cachedWrite: 0 } },
        )
        const exact = BigInt(input) * BigInt(a) + BigInt(output) * BigInt(b)
        const [whole = '', part = ''] = ('provider' in answer ? answer.provider : '').split('.')
        expect(BigInt(whole + part.padEnd(12, '0'))).toBe(exact)
      }),
    )
  })

  test('a model is found by slug or by its own name, and never by a similar one', () => {
    expect(cost({ prices: { 'gpt-5.4-2026-03-05': price } })(record())).toMatchObject({
      pricedAs: 'gpt-5.4-2026-03-05',
    })
    for (const model of ['gpt-5.4-mini', 'gpt-5.40', 'gpt-5', 'GPT']) {
      expect(cost({ prices })(record({ model }))).toEqual({ unpriced: 'no price list knows it' })
    }
    expect(cost({ prices })(record({ provider: 'azure' }))).toHaveProperty('unpriced')
  })

  test.each<[string, ModelPrice, Partial<UsageRecord>]>([
    ['cachedInput', { input: 1, output: 1 }, {}],
    ['output', { input: 1, cachedInput: 1 }, {}],
    [
      'cachedWrite',
      { ...price, cachedWrite: undefined },
      { tokens: { ...tokens, cachedWrite: 2 } },
    ],
    [
      'cachedWrite1h',
      price,
      { tokens: { ...tokens, cachedWrite: 2 }, details: { cachedWrite1h: 1 } },
    ],
    ['webSearch', price, { details: { webSearchRequests: 1 } }],
  ])('usage without a price of %s is unpriced, and nothing is guessed', (name, own, overrides) => {
    expect(priced(own, overrides)).toEqual({ unpriced: `there is no price of ${name}` })
  })

  test('a price of 0 is a price', () => {
    expect(priced({ input: 0, cachedInput: 0, output: 0 })).toMatchObject(usd('0'))
  })

  test('modalities and reasoning cost their own price, or that of their type', () => {
    const details = {
      audioInput: 100,
      cachedAudioInput: 40,
      imageInput: 10,
      audioOutput: 20,
      reasoning: 30,
    }
    // (700 - 60 - 10) x 2.5 + 60 x 10 + 10 x 4 + (300 - 40) x 0.25 + 40 x 1 + 50 x 15 + 20 x 60 + 30 x 7
    const own = {
      ...price,
      audioInput: 10,
      cachedAudioInput: 1,
      imageInput: 4,
      audioOutput: 60,
      reasoning: 7,
    }
    expect(priced(own, { details })).toMatchObject(usd('0.00448'))
    expect(priced(price, { details })).toMatchObject(usd('0.003325'))
    const cachedOnly = { details: { cachedAudioInput: 40 } }
    expect(priced(own, cachedOnly)).toMatchObject(usd('0.003355'))
  })

  test('details that contradict the counts make no negative amount', () => {
    const own = { ...price, audioInput: 1 }
    expect(priced(own, { details: { audioInput: 701 } })).toEqual({
      unpriced: 'its details contradict its counts',
    })
  })

  test('long prompts cost the price of the largest tier they are above', () => {
    const tiers = (base: number) => ({
      base,
      above: [
        { inputTokens: 2000, price: base * 3 },
        { inputTokens: 1000, price: base * 2 },
      ],
    })
    const own = { input: tiers(2), cachedInput: tiers(1), output: tiers(10) }
    const prompt = (input: number) => ({
      tokens: { input, cachedInput: 300, cachedWrite: 0, output: 0 },
    })
    expect(priced(own, prompt(700))).toMatchObject(usd('0.0017'))
    expect(priced(own, prompt(701))).toMatchObject(usd('0.003404'))
    expect(priced(own, prompt(1701))).toMatchObject(usd('0.011106'))
  })

  describe('a sum of requests', () => {
    const long = { base: 2, above: [{ inputTokens: 1000, price: 4 }] }
    const own = { input: long, cachedInput: long, output: 10 }
    const sum = (input: number, more: Partial<UsageRecord>) =>
      priced(own, { tokens: { input, cachedInput: 0, cachedWrite: 0, output: 100 }, ...more })

    test('costs the price of small requests, and says where one can have been long', () => {
      expect(sum(10_000, { requests: 100 })).toMatchObject({ ...usd('0.021'), tierUnknown: true })
      expect(sum(10_000, { requests: null })).toMatchObject({ ...usd('0.021'), tierUnknown: true })
      expect(sum(10_000, {})).not.toHaveProperty('tierUnknown')
      expect(sum(10_000, {})).toMatchObject(usd('0.041'))
      expect(sum(10_000, { requests: 1 })).toMatchObject(usd('0.041'))
      // All of it is too little for one of them to be long.
      expect(sum(1000, { requests: 2 })).not.toHaveProperty('tierUnknown')
      expect(sum(1000, { requests: 2 })).toMatchObject(usd('0.003'))
      const flat = priced(price, { requests: 1000, tokens: { ...tokens, input: 10 ** 9 } })
      expect(flat).not.toHaveProperty('tierUnknown')
    })

    test('costs what its parts do one by one, where they are known', () => {
      const part = (input: number, output: number) => ({
        tokens: { input, cachedInput: 0, cachedWrite: 0, output },
        details: {},
      })
      const parts = [part(900, 60), part(1100, 40)]
      // 900 x 2 + 1100 x 4 + 100 x 10
      expect(sum(2000, { requests: 2, parts })).toMatchObject(usd('0.0072'))
      expect(sum(2000, { requests: 2, parts })).not.toHaveProperty('tierUnknown')
      // Parts that are not the whole are not believed.
      expect(sum(2001, { requests: 2, parts })).toMatchObject({ tierUnknown: true })
    })

    test('costs the fee of each request, and nothing is guessed where their number is not known', () => {
      expect(priced({ ...price, request: 5 }, { requests: 3 })).toMatchObject(usd('0.018325'))
      expect(priced({ ...price, request: 5 }, { requests: null })).toHaveProperty('unpriced')
      expect(priced({ ...price, request: 0 }, { requests: null })).toMatchObject(usd('0.003325'))
    })

    test('of sounds is each as long as the least', () => {
      const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
      const sounds = { tokens: none, details: { seconds: 12 }, requests: 5 }
      expect(priced({ hour: '0.36', leastSeconds: 10 }, sounds)).toMatchObject({
        ...usd('0.005'),
        tierUnknown: true,
      })
      expect(priced({ hour: '0.36' }, sounds)).not.toHaveProperty('tierUnknown')
    })
  })

  test.each([
    ['audio', 'audioInput', 'cachedAudioInput'],
    ['image', 'imageInput', 'cachedImageInput'],
    ['video', 'videoInput', 'cachedVideoInput'],
  ] as const)('cached %s is neither uncached nor cached text', (_, all, cached) => {
    const own = { ...price, [all]: 5, [cached]: 1 }
    // (700 - 60) x 2.5 + 60 x 5 + (300 - 40) x 0.25 + 40 x 1 + 100 x 15
    const details = { [all]: 100, [cached]: 40 }
    expect(priced(own, { details })).toMatchObject(usd('0.003505'))
    expect(priced(own, { details: { [cached]: 40 } })).toMatchObject(usd('0.003355'))
    // 60 x 5, and cached at the price of cached text where a list has none of its own.
    expect(priced({ ...price, [all]: 5 }, { details })).toMatchObject(usd('0.003475'))
  })

  test('counts that nobody split have no price where their parts have different ones', () => {
    const unsplit = { details: { unsplit: ['input'] as const } }
    expect(priced(price, unsplit)).toMatchObject(usd('0.003325'))
    expect(priced({ ...price, imageOutput: 30 }, unsplit)).toMatchObject(usd('0.003325'))
    expect(priced({ ...price, imageInput: 10 }, unsplit)).toEqual({
      unpriced: 'how much of its input is at the price of imageInput is not known',
    })
    const cached = { details: { unsplit: ['cached_input'] as const } }
    expect(priced({ ...price, cachedImageInput: 1 }, cached)).toHaveProperty('unpriced')
    const output = { details: { unsplit: ['output'] as const } }
    expect(priced({ ...price, imageOutput: 30 }, output)).toHaveProperty('unpriced')
  })

  test('what the provider ran has its fees, or leaves the usage unpriced where it always costs', () => {
    const fees = [
      ['webSearchRequests', { webSearch: 10 }, '0.023325', true],
      ['webFetchRequests', { webFetch: 10 }, '0.023325', false],
      ['xSearchRequests', { xSearch: 5 }, '0.013325', true],
      ['searchSources', { searchSource: 25 }, '0.053325', false],
      ['mapsRequests', { maps: 25 }, '0.053325', true],
      ['fileSearchCalls', { fileSearch: '2.5' }, '0.008325', true],
      ['codeExecutionCalls', { codeExecution: 5 }, '0.013325', false],
      ['containers', { container: '0.03' }, '0.063325', false],
    ] as const
    for (const [detail, own, amount, isNeeded] of fees) {
      const overrides = { details: { [detail]: 2 } }
      expect(priced({ ...price, ...own }, overrides)).toMatchObject(usd(amount))
      if (isNeeded) expect(priced(price, overrides)).toHaveProperty('unpriced')
      else expect(priced(price, overrides)).toMatchObject(usd('0.003325'))
    }
    for (const free of ['mcpCalls', 'imageGenerationCalls', 'citationTokens']) {
      expect(priced(price, { details: { [free]: 2 } })).toMatchObject(usd('0.003325'))
    }
  })

  test('service tiers, speeds and places multiply the tokens, or leave it unpriced', () => {
    const own = {
      ...price,
      webSearch: 10,
      serviceTiers: { flex: '0.5', Priority: 2 },
      speeds: { fast: 6 },
      inferenceGeos: { us: '1.1' },
    }
    for (const tier of ['default', 'standard', 'ON_DEMAND', null]) {
      expect(priced(own, { serviceTier: tier })).toMatchObject(usd('0.003325'))
    }
    expect(priced(own, { serviceTier: 'flex' })).toMatchObject(usd('0.0016625'))
    expect(priced(own, { serviceTier: 'priority' })).toMatchObject(usd('0.00665'))
    const fast = { details: { speed: 'fast', inferenceGeo: 'us', webSearchRequests: 2 } }
    expect(priced(own, fast)).toMatchObject(usd('0.041945'))
    expect(priced(own, { serviceTier: 'scale' })).toEqual({
      unpriced: 'there is no factor for "scale" in serviceTiers',
    })
    expect(priced(price, { details: { speed: 'fast' } })).toHaveProperty('unpriced')
    expect(priced(price, { details: { inferenceGeo: 'us' } })).toHaveProperty('unpriced')
    expect(priced(price, { details: { inferenceGeo: 'global', speed: 'standard' } })).toMatchObject(
      usd('0.003325'),
    )
  })

  test('what is billed by time, length, piece or call', () => {
    const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
    const own = { hour: '0.36', leastSeconds: 10, character: 15, image: '0.04', request: 5 }
    const of = (details: UsageRecord['details']) => priced(own, { tokens: none, details })
    expect(of({ seconds: 90.5 })).toMatchObject(usd('0.01405'))
    expect(of({ seconds: 2 })).toMatchObject(usd('0.006'))
    expect(of({ characters: 1000 })).toMatchObject(usd('0.02'))
    expect(of({ images: 2 })).toMatchObject(usd('0.085'))
    const pieces = { page: 1, searchUnit: '2.5', classification: '0.05' }
    const used = { tokens: none, details: { pages: 3, searchUnits: 2, classifications: 10 } }
    expect(priced(pieces, used)).toMatchObject(usd('0.0085'))
    for (const name of ['page', 'searchUnit', 'classification']) {
      expect(priced({ ...pieces, [name]: undefined }, used)).toEqual({
        unpriced: `there is no price of ${name}`,
      })
    }
    // A third of a cent an hour has no end as a decimal: cut at 18 digits.
    const thirds = { tokens: none, details: { seconds: 1 } }
    expect(priced({ hour: '0.01' }, thirds)).toMatchObject(usd('0.000002777777777778'))
    // Beside tokens they are information.
    expect(priced(price, { details: { seconds: 3, images: 1 } })).toMatchObject(usd('0.003325'))
  })

  test('what the provider says it cost stands in place of the price list', () => {
    const details = { providerCostUsd: 0.00014 }
    const answer = { ...usd('0.00014'), source: 'reported' }
    expect(cost({ prices })(record({ details }))).toEqual(answer)
    expect(cost()(record({ details }))).toEqual(answer)
    expect(cost({ prices, reported: false })(record({ details }))).toMatchObject({
      source: 'prices',
    })
    expect(cost()(record({ details: { providerCostUsd: 4e-8 } }))).toMatchObject(usd('0.00000004'))
    expect(cost()(record({ details: { providerCostUsd: -1 } }))).toHaveProperty('unpriced')
    // A free route.
    expect(cost({ prices })(record({ details: { providerCostUsd: 0 } }))).toEqual({
      ...usd('0'),
      source: 'reported',
    })
  })

  test('with a key of the application, OpenRouter reports its fee beside what the model cost', () => {
    const details = { providerCostUsd: 0.001, upstreamCostUsd: 0.02 }
    expect(cost()(record({ details }))).toMatchObject(usd('0.001'))
    expect(cost()(record({ details, raw: { is_byok: true } }))).toMatchObject(usd('0.021'))
    expect(cost()(record({ details: { ...details, byok: true } }))).toMatchObject(usd('0.021'))
    const freeOfFee = { providerCostUsd: 0, upstreamCostUsd: 0.02, byok: true } as const
    expect(cost()(record({ details: freeOfFee }))).toMatchObject(usd('0.02'))
    const unknown = record({ details: { providerCostUsd: 0.001 }, raw: { is_byok: true } })
    expect(cost()(unknown)).toHaveProperty('unpriced')
  })

  test('a function prices by model, by amount, or leaves it to the next', () => {
    const amount = cost({ prices: ({ customer }) => (customer === 'cus_1' ? '0.5' : undefined) })
    expect(amount(record())).toEqual({ ...usd('0.5'), source: 'prices' })
    expect(amount(record({ customer: 'cus_2' }))).toHaveProperty('unpriced')
    const several = cost({ prices: [() => undefined, () => ({ unpriced: 'first' }), prices] })
    expect(several(record())).toMatchObject(usd('0.003325'))
    expect(several(record({ model: 'x' }))).toEqual({ unpriced: 'first' })
    for (const wrong of [NaN, -1, 'much', true, Infinity]) {
      expect(cost({ prices: () => wrong as never })(record())).toHaveProperty('unpriced')
    }
  })

  test('a price function that answers a promise fails, and its rejection ends no process', () => {
    for (const wrong of [async () => price, () => Promise.reject(new Error('database down'))]) {
      expect(() => cost({ prices: wrong as never })(record())).toThrow(/answered a promise/)
    }
  })

  test('a price list is what it was when it was given', () => {
    const own = { 'openai/gpt-5.4': { ...price } }
    const calculate = cost({ prices: own })
    Object.assign(own['openai/gpt-5.4'], { input: 'free', output: -1 })
    expect(calculate(record())).toMatchObject(usd('0.003325'))
  })

  test('details that are no quantity make no amount', () => {
    const own = { ...price, webSearch: 10, hour: 1, audioInput: 1, leastSeconds: NaN }
    for (const details of [
      { webSearchRequests: -1000 },
      { webSearchRequests: Infinity },
      { webSearchRequests: '3' },
      { audioInput: NaN },
      { audioInput: -1 },
      { seconds: 'long' },
    ]) {
      const answer = cost({ prices: () => own })(record({ details: details as never }))
      expect(answer).toEqual({ unpriced: 'its details contradict its counts' })
    }
  })

  test.each([
    [{ prices: { a: { input: -1 } } }, /input of "a".*0 or more/],
    [{ prices: { a: { input: 'cheap' } } }, /input of "a"/],
    [{ prices: { a: { inputs: 1 } } }, /inputs of "a" is no price; those are input/],
    [{ prices: { a: { input: { base: 1 } } } }, /above must be a list/],
    [{ prices: { a: { input: { base: 1, above: [{ price: 1 }] } } } }, /inputTokens/],
    [{ prices: { a: { serviceTiers: { flex: 'half' } } } }, /serviceTiers of "a".flex/],
    [{ prices: { a: 3 } }, /price of "a" must be an object/],
    [{ prices: 'openai' }, /prices must be/],
    [{ markup: 'twenty' }, /markup must be a number/],
    [{ markup: -101 }, /markup.*-100 or more/],
    [{ markup: { models: { a: NaN } } }, /markup\.models\["a"\]/],
    [{ markup: { customers: 3 } }, /markup\.customers must be/],
    [null, /cost takes an object of options/],
    [{ markups: 20 }, /no option "markups", did you mean "markup"/],
    [{ markup: { customer: {} } }, /no option "customer", did you mean "customers"/],
    [{ reported: 'yes' }, /reported must be true or false/],
  ])('refuses %j', (options, message) => {
    expect(() => cost(options as never)).toThrow(ConfigError)
    expect(() => cost(options as never)).toThrow(message)
  })
})
