import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const now = Date.parse('2026-11-21T00:00:00Z')

test.each([
  ['3', 3000],
  ['0.5', 500],
  ['0', 0],
  ['-1', 0],
  ['Sat, 21 Nov 2026 00:01:00 GMT', 60_000],
  ['Sat, 21 Nov 2026 00:00:00 GMT', 0],
  ['Fri, 20 Nov 2026 00:00:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [' ', undefined],
  [null, undefined],
  [undefined, undefined],
])('%j is a wait of %j ms', (header, waitMs) => {
  expect(retryAfterMs(header, now)).toBe(waitMs)
})
