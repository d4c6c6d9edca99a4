import { expect, test } from 'vitest'
import { type NetworkFailure, neverSent, retryAfterMs } from './http-failure.ts'

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

const failure = (given: object) => given as NetworkFailure

test.each([
  [{ code: 'ECONNREFUSED' }],
  [{ code: 'ETIMEDOUT', syscall: 'connect' }],
  [{ syscall: 'getaddrinfo' }],
  [{ cause: { cause: { code: 'CERT_HAS_EXPIRED' } } }],
  [{ errors: [{ code: 'ECONNREFUSED' }, { syscall: 'connect' }] }],
])('%j is from before the request', (given) => {
  expect(neverSent(failure(given))).toBe(true)
})

test.each([
  [{}],
  [{ code: 'ECONNRESET' }],
  [{ code: 'ETIMEDOUT', syscall: 'read' }],
  [{ cause: null }],
  [{ cause: 'ECONNREFUSED' }],
  [{ errors: [{ code: 'ECONNREFUSED' }, { code: 'ECONNRESET' }] }],
])('%j may be from after it', (given) => {
  expect(neverSent(failure(given))).toBe(false)
})

test('nothing known is no certainty', () => {
  expect(neverSent(undefined)).toBe(false)
})
