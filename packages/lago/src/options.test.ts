import { ConfigError } from '@token-meter/core/sink'
import { afterEach, expect, test, vi } from 'vitest'
import { type LagoSinkOptions, lagoSinkSettings } from './options.ts'

afterEach(() => void vi.unstubAllEnvs())

test.each([
  [{ name: '' }, /name must be a string that is not empty/],
  [{ events: 'per-call' }, /events must be 'per-record' or 'per-token-type'/],
  [{ code: '' }, /code must be a string that is not empty/],
  [{ code: 7 }, /code must be .*, got 7/],
  [{ code: { inputs: 'x' }, events: 'per-token-type' }, /code must be .*cached_write/],
  [{ code: { input: '' }, events: 'per-token-type' }, /code must be/],
  [{ code: { input: 'x' } }, /code by token type needs events: 'per-token-type'/],
  [{ subscription: 'sub_1' }, /subscription must be a function, got a value of type string/],
  [{ tokenTypes: 'input' }, /tokenTypes must be 'all' or 'input-output'/],
  [{ modelSlug: 'x' }, /modelSlug must be a function/],
  [{ cost: true }, /cost must be 'billed', 'provider' or false/],
  [{ cost: 'billed', events: 'per-token-type' }, /need events: 'per-record'/],
  [{ dynamicCharge: true, events: 'per-token-type' }, /need events: 'per-record'/],
  [{ dynamicCharge: true, cost: false }, /dynamicCharge needs an amount/],
  [{ dynamicCharge: 1 }, /dynamicCharge must be true or false, got 1/],
  [{ checkCodes: 'no' }, /checkCodes must be true or false/],
  [{ checkSubscriptions: 0 }, /checkSubscriptions must be true or false/],
  [{ timeoutMs: '5s' }, /timeoutMs must be a whole number of ms/],
  [{ onWarning: true }, /onWarning must be a function/],
])('%j is refused', (options, message) => {
  const attempt = () => lagoSinkSettings(options as unknown as LagoSinkOptions)
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(message)
})

test('the code is that of the option, else of LAGO_API_EVENT_CODE, else llm_usage', () => {
  expect(lagoSinkSettings({}).code).toBe('llm_usage')
  vi.stubEnv('LAGO_API_EVENT_CODE', ' ai_usage ')
  expect(lagoSinkSettings({}).code).toBe('ai_usage')
  expect(lagoSinkSettings({ code: 'own' }).code).toBe('own')
  // One metric cannot tell the types apart, so this is only for one event per record.
  expect(lagoSinkSettings({ events: 'per-token-type' }).code).toMatchObject({
    input: 'llm_input_tokens',
  })
  vi.stubEnv('LAGO_API_EVENT_CODE', ' ')
  expect(lagoSinkSettings({}).code).toBe('llm_usage')
})
