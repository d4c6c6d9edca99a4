import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import { withCacheInInput } from './with-cache-in-input.ts'

test('the cache is in the input, and nothing else is changed', () => {
  const record = exampleRecord({
    tokens: { input: 1, cachedInput: 20, cachedWrite: 300, output: 4 },
  })
  expect(withCacheInInput(record)).toEqual({
    ...record,
    tokens: { input: 321, cachedInput: 0, cachedWrite: 0, output: 4 },
  })
})
