import { expect, test } from 'vitest'
import { readable } from './ingest.ts'

test('the token is never in it, also not in part, nor another in a header', () => {
  const token = 'abc.def-SECRET'
  expect(readable(`${'x'.repeat(290)}${token}`, token)).not.toMatch(/abc|SECRET/)
  expect(readable('Authorization: Bearer other.SECRET/=', undefined)).toBe(
    'Authorization: Bearer [token]',
  )
})

test("a proxy's page is one short line", () => {
  const text = readable(`<html>\n  <body>${'x'.repeat(1000)}`, undefined)
  expect(text).toMatch(/^<html> <body>x+…$/)
  expect(text).toHaveLength(301)
})
