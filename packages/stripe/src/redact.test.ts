import { expect, test } from 'vitest'
import { redact } from './redact.ts'

test.each([
  ['Invalid API Key provided: rk_live_51abcDEF', 'Invalid API Key provided: [key]'],
  ['Invalid API Key provided: sk_test_****abcd.', 'Invalid API Key provided: [key].'],
  ['Bearer my-own-key!', 'Bearer [key]'],
  ['a risk_score of disk_2', 'a risk_score of disk_2'],
])('%j is shown as %j', (text, shown) => {
  expect(redact(text, 'my-own-key!')).toBe(shown)
  if (!text.includes('my-own')) expect(redact(text, undefined)).toBe(shown)
})
