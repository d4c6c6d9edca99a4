import { ConfigError } from '@token-meter/core/sink'
import { expect, test, vi } from 'vitest'
import { checkedApiKey, warnOfSecretKey } from './api-key.ts'

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
