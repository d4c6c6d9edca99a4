import { afterEach, expect, test, vi } from 'vitest'
import { ConfigError } from '../../errors/errors.ts'
import { checkedKey, isMissingInBuild, keylessSink, withoutKey } from './options.ts'

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

afterEach(() => vi.unstubAllEnvs())

test.each([
  ['phase-production-build', undefined, true],
  ['phase-production-build', '', true],
  ['phase-production-build', 'rk_live_1', false],
  ['phase-production-server', undefined, false],
  ['', undefined, false],
])('in %j, the key %j is missing for the build only: %j', (phase, key, isMissing) => {
  vi.stubEnv('NEXT_PHASE', phase)
  expect(isMissingInBuild(key)).toBe(isMissing)
})

test('it keeps what it is given pending', async () => {
  const sink = keylessSink('stripe')
  const batch = { id: 'b', sink: 'stripe', lease: 'l', entries: [{} as never] }
  expect(await sink.send(batch, new AbortController().signal)).toMatchObject([{ status: 'retry' }])
})

test('the key is nowhere in it, whatever characters it has', () => {
  expect(withoutKey('a.b* and a.b*, not axb', 'a.b*')).toBe('[key] and [key], not axb')
  expect(withoutKey('Bearer abc', 'abc', '[token]')).toBe('Bearer [token]')
})

test('without a key there is nothing to take out', () => {
  expect(withoutKey('abc', undefined)).toBe('abc')
  expect(withoutKey('abc', '')).toBe('abc')
})
