import { ConfigError } from '@token-meter/core/sink'
import { expect, test, vi } from 'vitest'
import { checkedApiKey, redact, warnOfSecretKey } from './api-key.ts'

test.each([
  [undefined, /apiKey is a value of type undefined.*restricted key/],
  [null, /type object/],
  [12345, /type number/],
  ['', /an empty string/],
  ['pk_live_SECRET', /publishable key/],
  ['whsec_SECRET', /webhook secret/],
  ['rk_live_SECRET\n', /white space/],
  ['rk_live_SECRETé', /other characters/],
])('%j is no key that can be used, and is not in the message', (apiKey, message) => {
  const attempt = () => checkedApiKey(apiKey)
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(message)
  expect(attempt).not.toThrow(/SECRET|12345/)
})

test.each(['rk_live_1', 'rk_test_1', 'sk_test_1', 'sk_org_live_1'])('%s can be used', (apiKey) => {
  expect(checkedApiKey(apiKey)).toBe(apiKey)
})

test('a secret key is warned of once in a process, and a restricted key never', () => {
  const warn = vi.fn()
  warnOfSecretKey('rk_live_1', warn)
  expect(warn).not.toHaveBeenCalled()
  warnOfSecretKey('sk_live_SECRET', warn)
  warnOfSecretKey('sk_live_OTHER', warn)
  expect(warn).toHaveBeenCalledTimes(1)
  expect(warn.mock.calls[0]?.[0]).toMatch(/restricted key \(rk_.*Billing meter events: Write/)
  expect(warn.mock.calls[0]?.[0]).not.toContain('SECRET')
})

test.each([
  ['Invalid API Key provided: rk_live_51abcDEF', 'Invalid API Key provided: [key]'],
  ['Invalid API Key provided: sk_test_****abcd.', 'Invalid API Key provided: [key].'],
  ['Bearer my-own-key!', 'Bearer [key]'],
  ['a risk_score of disk_2', 'a risk_score of disk_2'],
])('%j is shown as %j', (text, shown) => {
  expect(redact(text, 'my-own-key!')).toBe(shown)
  if (!text.includes('my-own')) expect(redact(text, undefined)).toBe(shown)
})
