import { ConfigError } from '@token-meter/core/sink'
import { expect, test } from 'vitest'
import { type OpenMeterSinkOptions, openMeterSinkSettings } from './options.ts'

test.each([
  [{ name: '' }, /name must be a string that is not empty/],
  [{ source: '' }, /source must be a URI reference such as my-app/],
  [{ source: 'my app' }, /source must be a URI reference/],
  [{ source: 'http://[' }, /source must be a URI reference/],
  [{ eventType: ' ' }, /eventType must be a string that is not empty/],
  [{ eventType: 7 }, /got 7/],
  [{ events: 'per-call' }, /events must be 'per-token-type' or 'per-record'/],
  [{ cost: true }, /cost must be 'billed', 'provider' or false, got true/],
  [{ costEventType: '' }, /costEventType must be a string that is not empty/],
  [{ costEventType: 'x', eventType: 'x' }, /costEventType must be another type than eventType/],
  [{ modelSlug: 'x' }, /modelSlug must be a function, got a value of type string/],
  [{ duplicateWindowMs: -1 }, /duplicateWindowMs must be a number of ms from 0 up, got -1/],
  [{ duplicateWindowMs: Infinity }, /duplicateWindowMs must be/],
  [{ duplicateWindowMs: '24h' }, /duplicateWindowMs must be/],
  [{ timeoutMs: 0 }, /timeoutMs must be a whole number of ms from 1 up, got 0/],
  [{ timeoutMs: 2 ** 31 }, /timeoutMs must be/],
])('%j is refused', (options, message) => {
  const attempt = () => openMeterSinkSettings(options as unknown as OpenMeterSinkOptions)
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(message)
})

test('the defaults', () => {
  expect(openMeterSinkSettings({})).toMatchObject({
    name: 'openmeter',
    source: 'token-meter',
    eventType: 'token-billing-tokens',
    events: 'per-token-type',
    cost: 'billed',
    costEventType: 'token-billing-cost',
    duplicateWindowMs: 86_400_000,
    timeoutMs: 20_000,
  })
})
