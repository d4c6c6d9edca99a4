import { describe, expect, test } from 'vitest'
import type { Admission } from '@token-meter/core'
import { cost, type CostCalculator } from '@token-meter/core/cost'
import { CallRefusedError, type GuardOptions, InsufficientCreditsError } from '../src/index.ts'
import { costing, type Overrides, startGuard, type StartGuard } from './guarding.ts'
import { everyStore } from './stores.ts'

describe.each(Object.entries(everyStore()))('what a guard holds on %s', (_, open) => {
  const start: StartGuard = (options, own) => startGuard(open(), options, own)

  test.each<[string, Overrides, GuardOptions, string]>([
    ['several answers', { bounds: { answers: 3 } }, {}, '0.0016'],
    ['output that is not capped', { bounds: { maxOutput: undefined } }, {}, '0.04106'],
    [
      'a default of the application',
      { bounds: { maxOutput: undefined } },
      { defaultMaxOutput: 10 },
      '0.0002',
    ],
    [
      'a model that can write less',
      { bounds: { maxOutput: undefined } },
      { modelMaxOutput: (model) => (model === 'm' ? 20 : undefined) },
      '0.0003',
    ],
    ['no output', { bounds: { noOutput: true } }, {}, '0.0001'],
    ['a bound', {}, { estimate: 'bound' }, '0.0009'],
    ['a body of which the heuristic knows nothing', { likelyInput: () => 0 }, {}, '0.0006'],
    ['a long input, with the output at its price', { likelyInput: () => 1001 }, {}, '0.003002'],
    ['a dearer tier', { body: { service_tier: 'priority' } }, {}, '0.0012'],
    ['a tier that is left open', { body: { service_tier: 'auto' } }, {}, '0.0006'],
    ['writes to a cache', { bounds: { cacheWrites: true } }, {}, '0.000625'],
    [
      'writes to a cache for an hour',
      { bounds: { cacheWrites: true } },
      { estimate: 'bound' },
      '0.0013',
    ],
    ['a batch', { endpoint: 'batches', bounds: { answers: 2 } }, {}, '0.00055'],
    [
      'a batch of several models',
      {
        model: null,
        endpoint: 'messages.batches',
        body: { requests: [{ params: { model: 'm' } }, { params: { model: 'dear' } }] },
      },
      {},
      '0.0008',
    ],
    [
      'input that is elsewhere',
      { bounds: { beyond: ['file'] } },
      { unboundedInput: 50 },
      '0.00065',
    ],
  ])('%s', async (_, overrides, options, expected) => {
    const { admit, held } = await start(options, { usd: '1' })
    await admit(overrides)
    expect(await held()).toBe(expected)
  })

  test('the markup of the customer, and amounts rounded up', async () => {
    const { admit, held } = await start(
      {},
      {
        usd: '1',
        cost: cost({
          prices: { m: { input: '0.0000001', output: 1 } },
          markup: { customers: { cus_1: 50 } },
        }),
      },
    )
    await admit({ likelyInput: () => 1 })
    // (0.0000000000001 + 0.00005) x 1.5
    expect(await held()).toBe('0.000075000001')
  })

  test('who has too little is told how much output is affordable, and asks for that', async () => {
    const { admit, refused } = await start({}, { usd: '0.000432' })
    const error = (await refused()) as InsufficientCreditsError
    expect(error).toBeInstanceOf(InsufficientCreditsError)
    expect(error).toMatchObject({
      code: 'insufficient_credits',
      status: 402,
      customer: 'cus_1',
      unit: 'usd',
      available: '0.000432',
      required: '0.0006',
      affordableOutputTokens: 33,
    })
    expect(error.message).toBe(
      'cus_1 has 0.000432 usd left, and this needs 0.0006: grant credit, or ask for at most 33 tokens of output',
    )
    expect(await refused({ bounds: { answers: 2 } })).toMatchObject({ affordableOutputTokens: 16 })
    expect(await refused({ likelyInput: () => 500 })).toMatchObject({ affordableOutputTokens: 0 })
    expect(await refused({ bounds: { maxOutput: 34 } })).toMatchObject({
      affordableOutputTokens: 33,
    })
    await admit({ bounds: { maxOutput: 33 } })
  })

  test('how much is affordable where prices are not by the token', async () => {
    const calculate = cost({
      prices: ({ tokens }) =>
        String(tokens.output <= 10 ? tokens.output : 10 + (tokens.output - 10) * 5),
    })
    const { refused } = await start({}, { usd: '37', cost: calculate })
    expect(await refused()).toMatchObject({ required: '210', affordableOutputTokens: 15 })
  })

  test('errors are data for who passes them on', async () => {
    const { refused } = await start({}, { usd: '0.0001' })
    const error = (await refused()) as InsufficientCreditsError
    const told = JSON.parse(JSON.stringify(error))
    expect(told).toEqual({
      message:
        'The credit that is left, $0.0001, does not cover this call, which can cost up to $0.0006',
      code: 'insufficient_credits',
      status: 402,
      unit: 'usd',
      available: '0.0001',
      required: '0.0006',
      affordableOutputTokens: 0,
    })
    expect(structuredClone(error).message).toBe(error.message)
  })

  test('an account of tokens holds tokens, without any price', async () => {
    const { credits, admit, refused, held } = await start({}, { tokens: '400' })
    const { holdIds } = (await admit({ model: 'unknown' })) as Admission
    expect(holdIds).toHaveLength(1)
    expect(await held('tokens')).toBe('150')
    await admit()
    expect(await refused()).toMatchObject({
      unit: 'tokens',
      available: '100',
      required: '150',
      affordableOutputTokens: 0,
    })
    expect(await credits.balance('cus_1', { unit: 'tokens' })).toMatchObject({ available: '100' })
  })

  test('who has dollars and tokens holds both or nothing', async () => {
    const { outbox, credits, admit, refused, held } = await start({}, { usd: '1', tokens: '200' })
    const { holdIds } = (await admit()) as Admission
    expect([await held(), await held('tokens')]).toEqual(['0.0006', '150'])
    expect(await refused()).toMatchObject({ unit: 'tokens', available: '50' })
    expect([await held(), await held('tokens')]).toEqual(['0.0006', '150'])
    const used = { input: 90, cachedInput: 0, cachedWrite: 0, output: 10 }
    await outbox.append([{ ...costing('r1', '0.0002'), tokens: used }], { holdIds })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.9998', held: '0' })
    expect(await credits.balance('cus_1', { unit: 'tokens' })).toMatchObject({
      available: '100',
      held: '0',
    })
  })

  test('what has no price is refused, or held for as the application says', async () => {
    const { refused } = await start({}, { usd: '1' })
    const error = await refused({ model: 'other' })
    expect(error).toBeInstanceOf(CallRefusedError)
    expect(error).toMatchObject({ code: 'call_refused', status: 403, reason: 'unknown_price' })
    expect((error as Error).message).toMatch(/no price of openai "other".*unknownPrice/)
    expect(await refused({ body: { service_tier: 'scale' } })).toMatchObject({
      reason: 'unknown_price',
    })
    expect(await refused({ model: null })).toMatchObject({ reason: 'unknown_price' })
    const lenient = await start({ unknownPrice: { usd: '0.25' } }, { usd: '0.3' })
    await lenient.admit({ model: 'other' })
    expect(await lenient.held()).toBe('0.25')
    const short = (await lenient.refused({ model: 'other' })) as InsufficientCreditsError
    expect(short).toMatchObject({ required: '0.25', available: '0.05' })
    expect(short.affordableOutputTokens).toBeUndefined()
    const without = await start({}, { usd: '1', cost: undefined } as never)
    expect(await without.refused()).toMatchObject({ reason: 'unknown_price' })
  })

  test('what is asked for beyond all measure is held for as that, whatever stands beside it', async () => {
    const huge = { maxOutput: 1e308, answers: 1e308 }
    const lenient = { unknownPrice: { usd: '0.05' }, onStoreError: 'allow' } as const
    for (const unit of ['usd', 'tokens'] as const) {
      const { admit, refused, held } = await start(lenient, { [unit]: '500' })
      const bounds = [huge, { maxOutput: 1e15 }, { answers: 1e300 }, { inputBytes: 1e300 }]
      for (const one of bounds) {
        const error = await refused({ bounds: one, likelyInput: () => 0 })
        expect(error).toMatchObject({ code: 'insufficient_credits', unit })
      }
      await admit({ bounds: { maxOutput: 49.5 }, likelyInput: () => 99.5 })
      expect(await held(unit)).toBe(unit === 'usd' ? '0.0006' : '150')
    }
  })

  test('what costs less than nothing, or is said later, is no price', async () => {
    const cost = { currency: 'USD', provider: '0', source: 'prices' } as const
    const late = () => Promise.reject(new Error('late'))
    for (const say of [
      () => ({ ...cost, billed: '-1' }),
      late,
      () => ({ ...cost, billed: '1e-7' }),
      () => undefined,
    ]) {
      const { refused, held } = await start({}, { usd: '1', cost: say as never })
      expect(await refused()).toMatchObject({ reason: 'unknown_price' })
      expect(await held()).toBe('0')
    }
  })

  test('a price of all the output that is none of less is held, and refuses as any', async () => {
    const cost = { currency: 'USD', provider: '0.5', billed: '0.5', source: 'prices' } as const
    const ofSome: CostCalculator = ({ tokens: { output } }) =>
      output > 0 ? cost : { unpriced: 'nothing' }
    const { admit, held, refused } = await start(
      { onStoreError: 'allow' },
      { usd: '0.75', cost: ofSome },
    )
    await admit()
    expect(await held()).toBe('0.5')
    expect(await refused()).toMatchObject({
      code: 'insufficient_credits',
      affordableOutputTokens: 0,
    })
  })

  test('a price function that fails is a price that nobody knows', async () => {
    const failing = cost({
      prices: () => {
        throw new Error('no list')
      },
    })
    const { refused } = await start({}, { usd: '1', cost: failing })
    expect(await refused()).toMatchObject({ reason: 'unknown_price' })
  })

  test('what is not bounded, where that is refused', async () => {
    const { admit, refused } = await start({ unbounded: 'refuse' }, { usd: '1' })
    await admit()
    const error = await refused({ bounds: { beyond: ['file', 'history'] } })
    expect(error).toMatchObject({ reason: 'unbounded_input' })
    expect((error as Error).message).toMatch(/\(file, history\)/)
  })

  test('what the provider bills to the customer holds nothing', async () => {
    const { admit } = await start()
    expect(await admit({ isLinked: true })).toBeUndefined()
  })
})
