import { expect, test } from 'vitest'
import { presentedKey } from './presented-key.ts'

const none = new URLSearchParams()
const of = (...headers: readonly string[]) => presentedKey({ headers, query: none })

test('a key is taken from whichever place clients put theirs in', () => {
  for (const value of ['Bearer tm-1', 'bearer tm-1', 'BEARER   tm-1', ' Bearer tm-1 ']) {
    expect(of('Authorization', value)).toBe('tm-1')
  }
  for (const name of ['x-api-key', 'Api-Key', 'X-Goog-Api-Key', 'x-token-meter-key']) {
    expect(of(name, 'tm-1')).toBe('tm-1')
  }
  expect(presentedKey({ headers: [], query: new URLSearchParams('key=tm-1&alt=sse') })).toBe('tm-1')
  expect(of('Sec-WebSocket-Protocol', 'realtime, openai-insecure-api-key.tm-1')).toBe('tm-1')
  expect(of('x-api-key', 'tm-1', 'authorization', 'Bearer tm-1')).toBe('tm-1')
  expect(of('accept', 'tm-1')).toBeUndefined()
  expect(of('authorization', 'Bearer ', 'x-api-key', '')).toBeUndefined()
})

test.each([
  ['two headers', ['x-api-key', 'tm-1', 'authorization', 'Bearer tm-2']],
  ['the same header twice', ['authorization', 'Bearer tm-1', 'Authorization', 'Bearer tm-2']],
  ['our own header and another', ['x-token-meter-key', 'tm-1', 'api-key', 'tm-2']],
  ['another scheme beside a key', ['authorization', 'Basic dG06MQ==', 'x-api-key', 'tm-1']],
  [
    'a protocol and a header',
    ['sec-websocket-protocol', 'openai-insecure-api-key.tm-2', 'api-key', 'tm-1'],
  ],
])('two keys are refused: %s', (_, headers) => {
  expect(() => of(...headers)).toThrow(expect.objectContaining({ status: 401 }))
})

test('two keys in the query, or one there and another in a header, are refused, and not shown', () => {
  const asked = [
    { headers: [], query: new URLSearchParams('key=tm-1&key=tm-2') },
    { headers: ['x-goog-api-key', 'tm-1'], query: new URLSearchParams('key=tm-2') },
  ]
  for (const request of asked) {
    expect(() => presentedKey(request)).toThrow(
      expect.objectContaining({ status: 401, message: expect.not.stringContaining('tm-1') }),
    )
  }
})

test('another scheme alone is a key that nobody has', () => {
  expect(of('authorization', 'Basic dG06MQ==')).toBe('Basic dG06MQ==')
})

test('where the caller’s own credential passes, the key is in our own header alone', () => {
  const headers = ['Authorization', 'Bearer ya29.x', 'X-Token-Meter-Key', 'tm-1']
  const query = new URLSearchParams('key=AIza')
  expect(presentedKey({ headers, query, isCallerAuth: true })).toBe('tm-1')
  expect(presentedKey({ headers: headers.slice(0, 2), query, isCallerAuth: true })).toBeUndefined()
})
