import { expect, test } from 'vitest'
import { nanoToUsd, usdToNano } from './recorded-calls.ts'

test.each([
  [0n, '0.000000000'],
  [1n, '0.000000001'],
  [1_234_567_890n, '1.234567890'],
  [12_000_000_000n, '12.000000000'],
])('%s nano-dollars are %s', (nano, usd) => {
  expect(nanoToUsd(nano)).toBe(usd)
  expect(usdToNano(usd)).toBe(nano)
})

test('fewer places are read too, and more are an error', () => {
  expect(usdToNano('12.5')).toBe(12_500_000_000n)
  expect(usdToNano('3')).toBe(3_000_000_000n)
  expect(() => usdToNano('0.0000000001')).toThrow(RangeError)
})
