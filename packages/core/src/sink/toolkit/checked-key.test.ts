import { expect, test } from 'vitest'
import { ConfigError } from '../../errors/errors.ts'
import { checkedKey } from './checked-key.ts'

const names = { sink: 'aSink', option: 'apiKey', kind: 'key', wanted: 'a key of yours' } as const

test('a key is taken as it is', () => {
  expect(checkedKey('rk_live_1!~', names)).toBe('rk_live_1!~')
})

test.each([
  [undefined, /^aSink: apiKey is a value of type undefined; set it to a key of yours$/],
  ['', /^aSink: apiKey is an empty string; set it to a key of yours$/],
  ['SECRET\n', /^aSink: apiKey has white space or other characters in it that no key has/],
  ['SECRÉT', /^aSink: apiKey has white space or other characters/],
])('%j is none, and is not shown', (key, message) => {
  expect(() => checkedKey(key, names)).toThrow(ConfigError)
  expect(() => checkedKey(key, names)).toThrow(message)
  expect(() => checkedKey(key, names)).not.toThrow(/SECR/)
})
