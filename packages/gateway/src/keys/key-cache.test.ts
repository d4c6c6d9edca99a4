import crypto from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { KeyCache } from './key-cache.ts'
import { mintKey, mintKeyId } from './key-secret.ts'
import type { KeyRow } from './key-store.ts'

vi.mock('node:crypto', { spy: true })

const id = mintKeyId()
const { key, hash } = mintKey(id)
const row: KeyRow = {
  id,
  hash,
  oldHash: null,
  oldUntil: null,
  options: {},
  isBlocked: false,
  createdAt: 0,
  updatedAt: 0,
  lastUsedAt: null,
  version: 1,
}

function open(read: (id: string) => Promise<KeyRow | undefined>) {
  let time = 1_790_000_000_000
  const cache = new KeyCache(read, { now: () => time, used: () => undefined })
  return { cache, pass: (ms: number) => void (time += ms) }
}

const wrongSecret = mintKey(id).key
const unknown = mintKey(mintKeyId()).key

test('an unknown id goes the same way as a wrong secret: one question, and one comparison in constant time', async () => {
  const read = vi.fn(async (asked: string) => (asked === id ? row : undefined))
  const { cache } = open(read)
  await cache.authenticate(key)
  const done: object[] = []
  for (const presented of [wrongSecret, unknown, wrongSecret, unknown]) {
    read.mockClear()
    vi.mocked(crypto.timingSafeEqual).mockClear()
    await expect(async () => cache.authenticate(presented)).rejects.toMatchObject({ status: 401 })
    done.push({ questions: read.mock.calls.length })
    expect(crypto.timingSafeEqual).toHaveBeenCalled()
  }
  expect(new Set(done.map((each) => JSON.stringify(each))).size).toBe(1)
})

test('whoever knows the id of a key that is remembered is not let in by it', async () => {
  const { cache } = open(async () => row)
  await cache.authenticate(key)
  await expect(async () => cache.authenticate(wrongSecret)).rejects.toMatchObject({ status: 401 })
  expect(cache.authenticate(key)).toMatchObject({ keyId: id })
})

test('many who come at once with one key are one question', async () => {
  const read = vi.fn(async () => row)
  const { cache, pass } = open(read)
  await Promise.all(Array.from({ length: 50 }, () => cache.authenticate(key)))
  pass(2_999)
  await cache.authenticate(key)
  expect(read).toHaveBeenCalledTimes(1)
  pass(1)
  await cache.authenticate(key)
  expect(read).toHaveBeenCalledTimes(2)
  // A clock that is put back trusts nothing.
  pass(-10_000)
  await cache.authenticate(key)
  expect(read).toHaveBeenCalledTimes(3)
})

test('what was read before a change in this process is asked for again', async () => {
  let current: KeyRow = row
  const answers: (() => void)[] = []
  const { cache } = open(() => {
    const read = current
    return new Promise((resolve) => answers.push(() => resolve(read)))
  })
  const asked = (async () => cache.authenticate(key))()
  await vi.waitFor(() => expect(answers).toHaveLength(1))
  current = { ...row, isBlocked: true, version: 2 }
  cache.forget(id)
  answers[0]?.()
  await vi.waitFor(() => expect(answers).toHaveLength(2))
  answers[1]?.()
  await expect(asked).rejects.toMatchObject({ status: 401 })
})

test('a store that neither answers nor fails holds nobody up for long', async () => {
  vi.useFakeTimers()
  try {
    let isHanging = false
    const read = vi.fn(() => (isHanging ? new Promise<never>(() => {}) : Promise.resolve(row)))
    const { cache, pass } = open(read)
    await cache.authenticate(key)
    isHanging = true
    pass(3_000)
    const known = Promise.resolve(cache.authenticate(key))
    const stranger = (async () => cache.authenticate(unknown))().catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await known).toMatchObject({ keyId: id })
    expect(await stranger).toMatchObject({ status: 503 })
    // Once it is known to be silent, nobody waits who is remembered.
    expect(cache.authenticate(key)).toMatchObject({ keyId: id })
    isHanging = false
    pass(3_000)
    read.mockClear()
    expect(await cache.authenticate(key)).toMatchObject({ keyId: id })
    expect(read).toHaveBeenCalledTimes(1)
  } finally {
    vi.useRealTimers()
  }
})
