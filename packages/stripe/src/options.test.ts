import { ConfigError } from '@token-meter/core/sink'
import { expect, test } from 'vitest'
import { type StripeSinkOptions, stripeSinkSettings } from './options.ts'

test.each([
  [{ name: '' }, /name must be a string that is not empty/],
  [{ eventName: '' }, /eventName must be a string of 1 to 100 characters or a function/],
  [{ eventName: 'x'.repeat(101) }, /eventName must be/],
  [{ eventName: 7 }, /got 7/],
  [{ tokenTypes: 'input' }, /tokenTypes must be 'all' or 'input-output'/],
  [{ value: 'money' }, /value must be 'tokens' or 'cost'/],
  [{ value: 'cost', cost: 'both' }, /cost must be 'billed' or 'provider'/],
  [{ value: 'cost', costUnit: 'usd' }, /costUnit must be 'micro-usd' or 'nano-usd'/],
  [{ cost: 'provider' }, /cost is for value: 'cost', which is not set/],
  [{ costUnit: 'nano-usd', value: 'tokens' }, /costUnit is for value: 'cost'/],
  [{ modelSlug: 'x' }, /modelSlug must be a function, got a value of type string/],
  [{ api: 'v3' }, /api must be 'v1', 'v2' or 'stream'/],
  [{ api: 'stream', eventsPerSecond: 0 }, /eventsPerSecond must be a number above 0, got 0/],
  [{ requestsPerSecond: 0 }, /requestsPerSecond must be a number above 0, got 0/],
  [{ requestsPerSecond: Number.NaN }, /requestsPerSecond must be/],
  [{ maxConcurrentRequests: 1.5 }, /maxConcurrentRequests must be a whole number from 1 up/],
  [{ timeoutMs: '5s' }, /timeoutMs must be a whole number of ms/],
  [{ onWarning: true }, /onWarning must be a function/],
  [{ stripeAccount: 'cus_1' }, /stripeAccount must be an id such as 'acct_123'/],
])('%j is refused', (options, message) => {
  const attempt = () => stripeSinkSettings(options as unknown as StripeSinkOptions)
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(message)
})

test.each([
  [{ apiKey: 'rk_live_1' }, 900],
  [{ apiKey: 'rk_test_1' }, 25],
  [{ apiKey: 'rk_live_1', stripeAccount: 'acct_1' }, 90],
  [{ apiKey: 'rk_test_1', requestsPerSecond: 7 }, 7],
])('%j sends %i requests a second', (options, requestsPerSecond) => {
  expect(stripeSinkSettings(options)).toMatchObject({ requestsPerSecond })
})

test.each([
  [{ apiKey: 'rk_live_1' }, 100],
  [{ apiKey: 'rk_test_1' }, 46],
  [{ apiKey: 'rk_live_1', requestsPerSecond: 0.1 }, 1],
  [{ apiKey: 'rk_live_1', api: 'stream' as const }, 1000],
])('%j sends batches of %i records', (options, maxBatch) => {
  expect(stripeSinkSettings(options)).toMatchObject({ maxBatch })
})

test('only the stream has a limit of events', () => {
  expect(stripeSinkSettings({ api: 'stream' })).toMatchObject({ eventsPerSecond: 9000 })
  expect(stripeSinkSettings({ api: 'v1' })).toMatchObject({ eventsPerSecond: Infinity })
})

test('money has a meter of its own', () => {
  expect(stripeSinkSettings({})).toMatchObject({ eventName: 'token-billing-tokens' })
  expect(stripeSinkSettings({ value: 'cost' })).toMatchObject({
    eventName: 'llm-cost',
    cost: 'billed',
    costUnit: 'micro-usd',
  })
  expect(stripeSinkSettings({ value: 'cost', eventName: 'x' })).toMatchObject({ eventName: 'x' })
})
