import { expect, test } from 'vitest'
import { neverSent, type NetworkFailure } from './never-sent.ts'

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
