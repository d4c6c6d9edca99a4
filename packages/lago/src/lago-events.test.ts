import type { UsageRecord } from '@token-meter/core/sink'
import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import { type LagoSinkOptions, lagoSinkSettings } from './options.ts'
import { UnsendableError, inCents, isDecimal, toLagoEvents } from './lago-events.ts'

const at = Date.parse('2026-11-21T10:20:30.456Z')
const cost = {
  currency: 'USD',
  provider: '0.0010001',
  billed: '0.00120012',
  source: 'prices',
} as const

function events(
  changes: Partial<UsageRecord> = {},
  options: LagoSinkOptions = {},
  refused: string[] = [],
) {
  const tokens = { input: 1200, cachedInput: 0, cachedWrite: 0, output: 85 }
  const record = exampleRecord({ id: 'r1', at, tokens, attributes: {}, ...changes })
  return toLagoEvents(record, 'sub_1', lagoSinkSettings(options), refused)
}

const propertiesOf = (...args: Parameters<typeof events>) => events(...args)[0]?.properties

test('per record: literally the event that LiteLLM sends', () => {
  expect(events({ cost })).toEqual([
    {
      transaction_id: 'r1',
      external_subscription_id: 'sub_1',
      code: 'llm_usage',
      timestamp: '1795256430.456',
      properties: {
        input_tokens: 1200,
        output_tokens: 85,
        model: 'openai/gpt-5.4',
        response_cost: '0.00120012',
      },
    },
  ])
})

test('cached tokens are beside the input, never inside it', () => {
  const tokens = { input: 10, cachedInput: 5, cachedWrite: 3, output: 7 }
  expect(propertiesOf({ tokens })).toEqual({
    input_tokens: 10,
    output_tokens: 7,
    model: 'openai/gpt-5.4',
    cached_input_tokens: 5,
    cached_write_tokens: 3,
  })
  expect(propertiesOf({ tokens }, { tokenTypes: 'input-output' })).toEqual({
    input_tokens: 18,
    output_tokens: 7,
    model: 'openai/gpt-5.4',
  })
})

test('per token type: one event for each that was used', () => {
  const tokens = { input: 10, cachedInput: 5, cachedWrite: 3, output: 0 }
  const sent = events({ tokens, cost, attributes: { team: 'a' } }, { events: 'per-token-type' })
  expect(sent.map(({ transaction_id: id, code }) => `${id} ${code}`)).toEqual([
    'r1:input llm_input_tokens',
    'r1:cached_input llm_cached_input_tokens',
    'r1:cached_write llm_cache_creation_tokens',
  ])
  expect(sent[1]).toEqual({
    transaction_id: 'r1:cached_input',
    external_subscription_id: 'sub_1',
    code: 'llm_cached_input_tokens',
    timestamp: '1795256430.456',
    properties: { model: 'openai/gpt-5.4', token_type: 'cached_input', value: 5, team: 'a' },
  })
  const folded = events({ tokens }, { events: 'per-token-type', tokenTypes: 'input-output' })
  expect(folded).toMatchObject([{ transaction_id: 'r1:input', properties: { value: 18 } }])
})

test('the code is one, one by type with the usual ones beside, or what a function says', () => {
  const codes = (code: LagoSinkOptions['code']) =>
    events({}, { events: 'per-token-type', code }).map((event) => event.code)
  expect(codes('tokens')).toEqual(['tokens', 'tokens'])
  expect(codes({ output: 'out' })).toEqual(['llm_input_tokens', 'out'])
  expect(codes(({ provider }, type) => `${provider}_${type}`)).toEqual([
    'openai_input',
    'openai_output',
  ])
  expect(() => codes(() => '')).toThrow(/code must answer a string/)
  expect(events({}, { code: (_, type) => String(type) })).toMatchObject([{ code: 'undefined' }])
})

test('the amount is exact, and can be left out or be the cents of a dynamic charge', () => {
  expect(propertiesOf({ cost })).toHaveProperty('response_cost', '0.00120012')
  expect(propertiesOf({ cost }, { cost: 'provider' })).toHaveProperty('response_cost', '0.0010001')
  expect(propertiesOf({ cost }, { cost: false })).not.toHaveProperty('response_cost')
  expect(propertiesOf()).not.toHaveProperty('response_cost')
  const [dynamic] = events({ cost }, { dynamicCharge: true })
  expect(dynamic).toMatchObject({ precise_total_amount_cents: '0.120012' })
  expect(() => events({}, { dynamicCharge: true })).toThrow(/no cost.*add the price.*requeue/)
  const odd = { cost: { ...cost, billed: '1e-7' } }
  expect(() => events(odd)).toThrow(/cost.billed is no decimal/)
  expect(() => events(odd)).toThrow(UnsendableError)
  expect(events(odd, { cost: false })).toHaveLength(1)
})

test('nothing used is nothing sent, but for what costs something all the same', () => {
  const tokens = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
  expect(events({ tokens })).toEqual([])
  expect(events({ tokens, cost: { ...cost, billed: '0.00' } })).toEqual([])
  expect(propertiesOf({ tokens, cost })).toMatchObject({
    input_tokens: 0,
    response_cost: '0.00120012',
  })
  expect(events({ tokens, cost }, { events: 'per-token-type' })).toEqual([])
})

test('attributes become properties, and stand in for none that is billed', () => {
  const forged = {
    feature: 'search',
    model: 'cheap',
    input_tokens: '1',
    response_cost: '0',
    cached_input_tokens: '9',
    cached_write_tokens: '9',
  }
  expect(propertiesOf({ attributes: forged })).toEqual({
    input_tokens: 1200,
    output_tokens: 85,
    model: 'openai/gpt-5.4',
    feature: 'search',
  })
  const odd = { value: '0', token_type: 'free', plan: 7, deep: {}, ['a\0']: 'b\0\ud800' }
  const attributes = odd as unknown as Record<string, string>
  expect(propertiesOf({ attributes }, { events: 'per-token-type' })).toEqual({
    model: 'openai/gpt-5.4',
    token_type: 'input',
    value: 1200,
    plan: '7',
    a: 'b\ufffd',
  })
})

test('what Lago could not store, and would answer 500 to for a whole batch, is told', () => {
  expect(() => events({ id: 'r\0' })).toThrow(UnsendableError)
  expect(() => events({ at: Number.NaN })).toThrow(/its time is no date/)
  expect(() => events({}, { code: 'x\ud800' })).toThrow(/its code has characters/)
  expect(propertiesOf({ model: 'm\0' })).toMatchObject({ model: 'openai/m' })
})

test('the time is the same text for ever, with three decimals', () => {
  const text = (time: number) => events({ at: time })[0]?.timestamp
  expect(text(at)).toBe('1795256430.456')
  expect(text(1_795_256_430_000)).toBe('1795256430.000')
  expect(text(0)).toBe('0.000')
})

test('an id that turned out not to be billed is not used again', () => {
  expect(events({}, {}, ['r1', 'r1~2'])[0]?.transaction_id).toBe('r1~3')
  const [input, output] = events({}, { events: 'per-token-type' }, ['r1:input'])
  expect([input?.transaction_id, output?.transaction_id]).toEqual(['r1:input~2', 'r1:output'])
})

test.each([
  ['0', '0'],
  ['1', '100'],
  ['0.01', '1'],
  ['0.10', '10'],
  ['0.0012345', '0.12345'],
  ['0.000000001', '0.0000001'],
  ['12.3456789012345678', '1234.56789012345678'],
  ['9007199254740993.07', '900719925474099307'],
])('%s USD are %s cents', (usd, cents) => {
  expect(inCents(usd)).toBe(cents)
})

test.each(['1e-7', '-1', '', ' 1', '1.', '.5', 'NaN', 1, null, '1'.repeat(25)])(
  '%j is no decimal',
  (text) => {
    expect(isDecimal(text)).toBe(false)
  },
)
