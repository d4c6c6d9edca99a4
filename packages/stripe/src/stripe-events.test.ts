import type { UsageRecord } from '@token-meter/core/sink'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { type StripeEventOptions, toStripeEvents } from './stripe-events.ts'

const record = exampleRecord({
  id: '0193',
  provider: 'anthropic',
  model: 'claude-sonnet-4-6',
  tokens: { input: 10, cachedInput: 20, cachedWrite: 30, output: 40 },
  at: Date.parse('2026-11-21T10:20:30.456Z'),
  attributes: {},
})
const options: StripeEventOptions = {
  eventName: 'token-billing-tokens',
  tokenTypes: 'all',
  value: 'tokens',
  cost: 'billed',
  costUnit: 'micro-usd',
}
const summary = (changes: Partial<UsageRecord>, other: Partial<StripeEventOptions> = {}) =>
  toStripeEvents({ ...record, ...changes }, { ...options, ...other }).map(
    ({ identifier, event_name, payload }) => `${identifier} ${event_name} ${payload.value}`,
  )

test('one event per token type, in strings, with an ISO timestamp', () => {
  const events = toStripeEvents(record, options)
  expect(events).toHaveLength(4)
  expect(events[0]).toEqual({
    event_name: 'token-billing-tokens',
    identifier: '0193:input',
    timestamp: '2026-11-21T10:20:30.456Z',
    payload: {
      stripe_customer_id: 'cus_1',
      value: '10',
      model: 'anthropic/claude-sonnet-4.6',
      token_type: 'input',
    },
  })
})

test('zero counts have no event', () => {
  expect(summary({ tokens: { input: 0, cachedInput: 0, cachedWrite: 0, output: 1 } })).toEqual([
    '0193:output token-billing-tokens 1',
  ])
})

test("'input-output' adds the cache counts to the input event, under the same id", () => {
  expect(summary({}, { tokenTypes: 'input-output' })).toEqual([
    '0193:input token-billing-tokens 60',
    '0193:output token-billing-tokens 40',
  ])
  const cachedOnly = { input: 0, cachedInput: 5, cachedWrite: 0, output: 0 }
  expect(summary({ tokens: cachedOnly }, { tokenTypes: 'input-output' })).toEqual([
    '0193:input token-billing-tokens 5',
  ])
})

test('a function names the meter by the event', () => {
  const eventName: StripeEventOptions['eventName'] = ({ dimensions }) =>
    `tokens-${dimensions.token_type}`
  expect(summary({}, { eventName, tokenTypes: 'input-output' })).toEqual([
    '0193:input tokens-input 60',
    '0193:output tokens-output 40',
  ])
})

test.each([
  ['', /1 to 100 characters/],
  ['x'.repeat(101), /1 to 100 characters/],
  [undefined as unknown as string, /1 to 100 characters/],
])('a function that names no meter is an error: %j', (name, message) => {
  expect(() => toStripeEvents(record, { ...options, eventName: () => name })).toThrow(message)
})

test('the model slug can be replaced', () => {
  const modelSlug = (provider: string, model: string) => `${provider}--${model}`
  const [event] = toStripeEvents(record, { ...options, modelSlug })
  expect(event?.payload.model).toBe('anthropic--claude-sonnet-4-6')
  const gpt = { ...record, provider: 'openai', model: 'gpt-5.4-2026-03-05' }
  expect(toStripeEvents(gpt, options)[0]?.payload.model).toBe('openai/gpt-5.4')
})

test('attributes are dimensions, and change neither customer, value, model nor token type', () => {
  const attributes = {
    feature: 'search',
    stripe_customer_id: 'cus_evil',
    value: '0',
    model: 'free',
    token_type: 'free',
  }
  const [event] = toStripeEvents({ ...record, attributes }, options)
  expect(event?.payload).toEqual({
    feature: 'search',
    stripe_customer_id: 'cus_1',
    value: '10',
    model: 'anthropic/claude-sonnet-4.6',
    token_type: 'input',
  })
})

test('attributes from untyped code become strings, or are left out', () => {
  const attributes = { team: 7, beta: true, list: ['a'], gone: undefined, none: null }
  const untyped = { ...record, attributes: attributes as unknown as UsageRecord['attributes'] }
  const payload = toStripeEvents(untyped, options)[0]?.payload
  expect(payload).toMatchObject({ team: '7', beta: 'true' })
  for (const key of ['list', 'gone', 'none']) expect(payload).not.toHaveProperty(key)
  expect(Object.values(payload ?? {}).every((value) => typeof value === 'string')).toBe(true)
})

const billed = (amount: string): Partial<UsageRecord> => ({
  cost: { currency: 'USD', provider: '0.5', billed: amount, source: 'prices' },
})
const byCost: Partial<StripeEventOptions> = { value: 'cost', eventName: 'llm-cost' }

test('by cost there is one event, whose value is the amount, of no token type', () => {
  const attributes = { feature: 'search', token_type: 'x', model: 'y' }
  const change = { ...record, ...billed('0.00399'), attributes }
  expect(toStripeEvents(change, { ...options, ...byCost })).toEqual([
    {
      event_name: 'llm-cost',
      identifier: '0193:cost',
      timestamp: '2026-11-21T10:20:30.456Z',
      payload: {
        feature: 'search',
        stripe_customer_id: 'cus_1',
        value: '3990',
        model: 'anthropic/claude-sonnet-4.6',
      },
    },
  ])
})

test.each([
  ['0.0000005', 'micro-usd', ['0193:cost llm-cost 1']],
  ['0.00000049999', 'micro-usd', []],
  ['0.00000049999', 'nano-usd', ['0193:cost llm-cost 500']],
  ['0', 'nano-usd', []],
  ['999999999.999999', 'micro-usd', ['0193:cost llm-cost 999999999999999']],
  ['999999.999999999', 'nano-usd', ['0193:cost llm-cost 999999999999999']],
] as const)('%s USD in %s', (amount, costUnit, events) => {
  expect(summary(billed(amount), { ...byCost, costUnit })).toEqual(events)
})

test.each<[string, Partial<UsageRecord>, RegExp]>([
  ['none', {}, /no cost: .* anthropic "claude-sonnet-4-6".*cost\(\{ prices \}\).*requeue/],
  ['more than 15 digits', billed('999999999.9999995'), /15 digits.*another way/],
  ['a number', billed(0.1 as unknown as string), /its cost.billed is 0.1, and has to be decimal/],
  ['below 0', billed('-0.1'), /its cost.billed is -0.1/],
  ['an exponent', billed('1e-7'), /its cost.billed is 1e-7/],
])('a cost that is %s says what to do', (_, change, message) => {
  expect(() => summary(change, byCost)).toThrow(message)
})

test("a cost of the provider's, a second id, and a meter named by the event", () => {
  const eventName: StripeEventOptions['eventName'] = ({ dimensions, value, id, name }) =>
    `${name} ${dimensions.token_type} ${dimensions.model} ${value} ${id}`
  const other = { ...options, ...byCost, cost: 'provider', eventName } as const
  const [event] = toStripeEvents({ ...record, ...billed('1') }, other, ['0193:cost'])
  expect(event).toMatchObject({
    event_name: 'llm-cost cost anthropic/claude-sonnet-4.6 500000 0193:cost',
    identifier: '0193:cost~2',
    payload: { value: '500000' },
  })
})
