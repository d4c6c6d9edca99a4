import crypto from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  isSameHash,
  isSameSecret,
  keyIdIn,
  mintKey,
  mintKeyId,
  readKey,
  sha256,
  withoutKeys,
} from './key-secret.ts'

vi.mock('node:crypto', { spy: true })

test('a key has a public id and 256 random bits, and is known by its hash alone', () => {
  const minted = Array.from({ length: 200 }, () => mintKey(mintKeyId()))
  expect(new Set(minted.map(({ key }) => key)).size).toBe(200)
  for (const { key, hash } of minted) {
    expect(key).toMatch(/^tm-[0-9a-f]{16}-[0-9A-Za-z]{43}$/)
    expect(readKey(key)).toEqual({ id: key.slice(3, 19), hash })
    expect(hash).toBe(crypto.createHash('sha256').update(key).digest('hex'))
  }
})

test.each([
  '',
  'tm-',
  'sk-1',
  'tm-0123456789abcdef',
  `tm-0123456789ABCDEF-${'a'.repeat(43)}`,
  `tm-0123456789abcdef-${'a'.repeat(42)}`,
  `tm-0123456789abcdef-${'a'.repeat(43)}\n`,
  ` tm-0123456789abcdef-${'a'.repeat(43)}`,
])('%j is no key', (text) => expect(readKey(text)).toBeUndefined())

test('a key is named by its text, by what is shown of it, or by its id', () => {
  const id = '0123456789abcdef'
  for (const name of [id, `tm-${id}`, `tm-${id}-...`, `tm-${id}-${'a'.repeat(43)}`]) {
    expect(keyIdIn(name)).toBe(id)
  }
  for (const name of ['', 'tm-', 'ci', `x${id}`, `sk-${id}`]) expect(keyIdIn(name)).toBeUndefined()
})

test('secrets are compared in constant time, whatever their lengths', () => {
  const compared = vi.mocked(crypto.timingSafeEqual)
  onTestFinished(() => void compared.mockClear())
  for (const [given, secret, isSame] of [
    ['secret', 'secret', true],
    ['Secret', 'secret', false],
    ['', 'secret', false],
    ['secret and more', 'secret', false],
  ] as const) {
    compared.mockClear()
    expect(isSameSecret(given, secret)).toBe(isSame)
    expect(compared).toHaveBeenCalledTimes(1)
    const [left, right] = compared.mock.calls[0] ?? []
    expect([left?.byteLength, right?.byteLength]).toEqual([64, 64])
  }
  compared.mockClear()
  expect(isSameHash(sha256('a'), sha256('b'))).toBe(false)
  expect(compared).toHaveBeenCalledTimes(1)
})

test('a text is shown without the keys that are in it', () => {
  const { key } = mintKey('0123456789abcdef')
  expect(withoutKeys(`/v1/files/${key}/content`)).toBe('/v1/files/tm-0123456789abcdef-.../content')
})
