import { expect, test } from 'vitest'
import { withoutKey } from './without-key.ts'

test('the key is nowhere in it, whatever characters it has', () => {
  expect(withoutKey('a.b* and a.b*, not axb', 'a.b*')).toBe('[key] and [key], not axb')
  expect(withoutKey('Bearer abc', 'abc', '[token]')).toBe('Bearer [token]')
})

test('without a key there is nothing to take out', () => {
  expect(withoutKey('abc', undefined)).toBe('abc')
  expect(withoutKey('abc', '')).toBe('abc')
})
