import { expect, test } from 'vitest'
import { isWholeUnits, wholeUnits } from './whole-units.ts'

test.each([
  ['0', '0', '0'],
  ['1', '1000000', '1000000000'],
  ['1.', '1000000', '1000000000'],
  ['0.00399', '3990', '3990000'],
  ['0.000001', '1', '1000'],
  ['0.0000005', '1', '500'],
  ['0.0000004999999999', '0', '500'],
  ['0.00000049949', '0', '499'],
  ['0.0000014999999999', '1', '1500'],
  ['0.0000000005', '0', '1'],
  ['0.00000000049', '0', '0'],
  ['0.9999995', '1000000', '999999500'],
  // As a float it is 9007199254740992, and a tenth of a cent of it is lost.
  ['9007199254740993.000001', '9007199254740993000001', '9007199254740993000001000'],
])('%s USD is %s micro and %s nano', (amount, micro, nano) => {
  expect(String(wholeUnits(amount, 'micro-usd'))).toBe(micro)
  expect(String(wholeUnits(amount, 'nano-usd'))).toBe(nano)
})

test.each(['', '-1', '+1', '1e-7', '1,5', '.5', 'NaN', '1.2.3', ' 1', '0x10', 0.5, null])(
  '%j is no amount',
  (amount) => expect(wholeUnits(amount, 'micro-usd')).toBeUndefined(),
)

test.each([
  ['1', true, true],
  ['0.000001', true, true],
  ['0.0000010', true, true],
  ['0.0000015', false, true],
  ['0.0000000001', false, false],
])('that %s is whole units is %s of micro, %s of nano', (amount, micro, nano) => {
  expect(isWholeUnits(amount, 'micro-usd')).toBe(micro)
  expect(isWholeUnits(amount, 'nano-usd')).toBe(nano)
})

test('is within half a unit of any amount, and above it at the half', () => {
  // Every last digit, at every length, behind every whole part.
  for (let digits = 1; digits <= 18; digits++) {
    for (let step = 0n; step < 200n; step++) {
      const fraction = ((step * 7919n + 3n) * 10n ** BigInt(digits - 1)) % 10n ** BigInt(digits)
      const half = 5n * 10n ** BigInt(digits - 1) - step
      for (const part of [fraction, step % 10n ** BigInt(digits), half]) {
        if (part < 0n) continue
        const amount = `${step * step}.${part.toString().padStart(digits, '0')}`
        const exact = step * step * 10n ** 18n + part * 10n ** BigInt(18 - digits)
        for (const [unit, size] of [
          ['micro-usd', 10n ** 12n],
          ['nano-usd', 10n ** 9n],
        ] as const) {
          const over = (wholeUnits(amount, unit) ?? -1n) * size - exact
          if (2n * over > size || 2n * over <= -size) throw new Error(`${amount} in ${unit}`)
        }
      }
    }
  }
})
