import { expect, test } from 'vitest'
import { inCents, isDecimal } from './decimal.ts'

test.each([
  ['0', '0'],
  ['1', '100'],
  ['0.01', '1'],
  ['0.10', '10'],
  ['0.0012345', '0.12345'],
  ['0.000000001', '0.0000001'],
  ['12.3456789012345678', '1234.56789012345678'],
  ['9007199254740993.07', '900719925474099307'],
])('%s USD are %s cents', (usd, cents) => {
  expect(inCents(usd)).toBe(cents)
})

test.each(['1e-7', '-1', '', ' 1', '1.', '.5', 'NaN', 1, null, '1'.repeat(25)])(
  '%j is no decimal',
  (text) => {
    expect(isDecimal(text)).toBe(false)
  },
)
