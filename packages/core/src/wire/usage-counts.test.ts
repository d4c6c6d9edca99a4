import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reportedCount } from './usage-counts.ts'

function read(value: unknown) {
  const problems: string[] = []
  return { count: reportedCount(value, 'tokens', problems), problems }
}

describe('reportedCount', () => {
  test.each([0, 1, 12_345, 1_000_000_000])('%s is a count', (value) => {
    expect(read(value)).toEqual({ count: value, problems: [] })
  })

  test.each([undefined, null])('%s is unknown, and not odd', (value) => {
    expect(read(value)).toEqual({ count: undefined, problems: [] })
  })

  test('a sum of many responses can be more than one of them', () => {
    const most = Number.MAX_SAFE_INTEGER
    expect(reportedCount(most, 'tokens', [], most)).toBe(most)
  })

  test.each([
    -1,
    Number.NaN,
    Infinity,
    1e300,
    1_000_000_001,
    10n ** 400n,
    -1n,
    '1000000001',
    {},
    [],
    true,
    'many',
    '',
    '-1',
    'x'.repeat(1e6),
  ])('what cannot be a count is unknown and reported', (value) => {
    const { count, problems } = read(value)
    expect(count).toBeUndefined()
    expect(problems).toHaveLength(1)
    expect(problems[0]?.length).toBeLessThan(100)
  })

  test.each([
    [10.2, 11],
    ['12', 12],
    [12n, 12],
  ])('%s is counted as %s and reported', (value, count) => {
    expect(read(value)).toMatchObject({ count, problems: [expect.stringContaining('counted as')] })
  })

  test('negative zero is zero', () => {
    expect(Object.is(read(-0).count, 0)).toBe(true)
  })

  test('anything at all gives a whole number from 0 up, or nothing', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const { count } = read(value)
        expect(count === undefined || (Number.isSafeInteger(count) && count >= 0)).toBe(true)
      }),
    )
  })
})
