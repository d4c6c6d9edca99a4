import { expect, test } from 'vitest'
import { waitAskedFor } from './ingest.ts'

const now = Date.parse('2026-11-21T10:00:00Z')

test.each([
  [{}, undefined],
  [{ 'x-ratelimit-reset': '1' }, 1000],
  [{ 'x-ratelimit-reset': '0' }, 0],
  [{ 'x-ratelimit-reset': 'soon' }, undefined],
  [{ 'x-ratelimit-reset': '' }, undefined],
  [{ 'x-ratelimit-reset': '-1' }, 0],
  [{ 'x-ratelimit-reset': String(now / 1000 + 5) }, 5000],
  [{ 'retry-after': '7', 'x-ratelimit-reset': '1' }, 7000],
  [{ 'retry-after': 'Sat, 21 Nov 2026 10:01:00 GMT' }, 60_000],
  [{ 'retry-after': 'nonsense', 'x-ratelimit-reset': '2' }, 2000],
])('%j is %s', (headers, ms) => {
  expect(waitAskedFor(new Headers(headers as Record<string, string>), now)).toBe(ms)
})
