import { expect, test } from 'vitest'
import { addDecimals, isDecimal } from './add-decimals.ts'

test.each([
  ['0.1', '0.2', '0.3'],
  ['0', '0', '0'],
  ['0', '0.000000001', '0.000000001'],
  ['1.5', '-2', '-0.5'],
  ['-0.25', '0.25', '0'],
  ['99.99', '0.01', '100'],
  ['1.50', '0.5', '2'],
  ['-0.25', '0.1', '-0.15'],
  ['12345678901234567890.1', '0.9', '12345678901234567891'],
])('%s + %s is %s', (a, b, sum) => {
  expect(addDecimals(a, b)).toBe(sum)
  expect(addDecimals(b, a)).toBe(sum)
})

test('what is no decimal is no sum', () => {
  expect(() => addDecimals('1e-7', '0')).toThrow(/not a decimal: 1e-7/)
  expect(['1e-7', '', null, undefined, NaN].filter(isDecimal)).toEqual([])
  expect(isDecimal(0.5)).toBe(true)
})
