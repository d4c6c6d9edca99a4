import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const now = Date.parse('2026-11-21T10:00:00Z')

test.each<[string | null | undefined, number | undefined]>([
  ['3', 3000],
  ['0.5', 500],
  ['-1', 0],
  ['Sat, 21 Nov 2026 10:00:07 GMT', 7000],
  ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
  ['soon', undefined],
  [' ', undefined],
  [null, undefined],
  [undefined, undefined],
])('%j', (header, waitMs) => {
  expect(retryAfterMs(header, now)).toBe(waitMs)
})
