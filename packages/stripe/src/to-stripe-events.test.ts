import type { UsageRecord } from '@token-meter/core/adapter'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { toStripeEvents, type StripeEventOptions } from './to-stripe-events.ts'

const record = exampleRecord({
  id: '0193',
  provider: 'anthropic',
  model: 'claude-sonnet-4-6',
  tokens: { input: 10, cachedInput: 20, cachedWrite: 30, output: 40 },
  at: Date.parse('2026-11-21T10:20:30.456Z'),
  attributes: {},
})
const options: StripeEventOptions = { eventName: 'token-billing-tokens', tokenTypes: 'all' }
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
