import { expect, test } from 'vitest'
import { addDecimals } from './add-decimals.ts'

test.each([
  ['0', '0', '0'],
  ['0.1', '0.2', '0.3'],
  ['1.5', '-2', '-0.5'],
  ['0.000000001', '9007199254740993', '9007199254740993.000000001'],
  ['-0.25', '0.25', '0'],
  ['99.99', '0.01', '100'],
])('%s + %s is %s', (a, b, sum) => {
  expect(addDecimals(a, b)).toBe(sum)
  expect(addDecimals(b, a)).toBe(sum)
})
