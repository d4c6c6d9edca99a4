import { createHash } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Outbox } from '@token-meter/core/outbox'
import { gatewayKeys } from '../src/keys/gateway-keys.ts'
import { refused } from './refused.ts'
import { everyPlace, memoryPlace, type Place, sqlitePlace } from './stores.ts'

const unknownKey = `tm-${'0'.repeat(16)}-${'a'.repeat(43)}`

function start(place: Place, options: { readonly now?: () => number } = {}) {
  const outbox = place.open()
  const keys = gatewayKeys({ outbox, ...options })
  onTestFinished(async () => {
    await keys.close()
    await outbox.close()
  })
  return keys
}

describe.each(Object.entries(everyPlace()))('keys on %s', (_, place) => {
  test('a key is what it was generated as, and its caller may just that', async () => {
    const keys = start(place())
    const options = {
      alias: 'ci',
      userId: 'u1',
      teamId: 't1',
      customers: ['cus_a', 'cus_b'],
      models: ['gpt-5.4'],
      pools: ['team'],
      metadata: { feature: 'chat', level: 2, isBeta: true },
      allowUnknown: true,
      stripeHeaders: true,
    }
    const { key, info } = await keys.generate(options)
    expect(key).toMatch(/^tm-[0-9a-f]{16}-[0-9A-Za-z]{43}$/)
    expect(info).toMatchObject({ ...options, isBlocked: false })
    expect(await keys.authenticate(key)).toEqual({
      keyId: info.id,
      userId: 'u1',
      teamId: 't1',
      customer: null,
      mayName: new Set(['cus_a', 'cus_b']),
      models: new Set(['gpt-5.4']),
      pools: ['team'],
      metadata: { feature: 'chat', level: '2', isBeta: 'true' },
      allowUnknown: true,
      stripeHeaders: true,
    })
    const plain = await keys.generate()
    expect(await keys.authenticate(plain.key)).toMatchObject({
      customer: null,
      mayName: new Set(),
      models: undefined,
      allowUnknown: false,
      stripeHeaders: false,
    })
  })

  test('what is no key is refused with one answer for all', async () => {
    const keys = start(place(), { now: () => time })
    let time = Date.now()
    const expired = await keys.generate({ expiresAt: time + 1000 })
    const blocked = await keys.generate()
    const deleted = await keys.generate()
    const rotated = await keys.generate()
    await keys.block(blocked.key)
    await keys.delete([deleted.key])
    await keys.rotate(rotated.key)
    time += 1000
    const wrongSecret = `${rotated.key.slice(0, -43)}${'b'.repeat(43)}`
    const presented = [expired.key, blocked.key, deleted.key, rotated.key, wrongSecret, unknownKey]
    const answers = await Promise.all(
      [...presented, 'tm-', '', 'sk-1234', `${rotated.key} `].map((key) =>
        refused(() => keys.authenticate(key)),
      ),
    )
    expect(
      new Set(answers.map(({ status, code, message }) => `${status} ${code} ${message}`)).size,
    ).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, code: 'unauthorized', details: {} })
    expect(await refused(() => keys.authenticate(undefined))).toMatchObject({ status: 401 })
  })

  test('a key that is remembered ends at its time, and the old one at the end of its grace', async () => {
    let time = Date.now()
    const keys = start(place(), { now: () => time })
    const { key } = await keys.generate({ expiresAt: time + 1000 })
    await keys.authenticate(key)
    time += 999
    expect(keys.authenticate(key)).not.toBeInstanceOf(Promise)
    time += 1
    expect(await refused(() => keys.authenticate(key))).toMatchObject({ status: 401 })

    const first = await keys.generate()
    const second = await keys.rotate(first.key, { graceMs: 1000 })
    expect(second?.info).toMatchObject({ id: first.info.id, graceUntil: time + 1000 })
    await keys.authenticate(first.key)
    await keys.authenticate(second?.key)
    time += 1000
    expect(await refused(() => keys.authenticate(first.key))).toMatchObject({ status: 401 })
    await keys.authenticate(second?.key)
    expect(await keys.info(first.key)).not.toHaveProperty('graceUntil')
    // Of two that are rotated away the older one is gone, whatever its grace was.
    const third = await keys.rotate(first.info.id, { graceMs: 5000 })
    const fourth = await keys.rotate(first.info.id, { graceMs: 5000 })
    await keys.authenticate(third?.key)
    await keys.authenticate(fourth?.key)
    expect(await refused(() => keys.authenticate(second?.key))).toMatchObject({ status: 401 })
  })

  test('a change holds at once in its process, and within seconds in the others', async () => {
    let time = Date.now()
    const shared = place()
    const here = start(shared, { now: () => time })
    const there = start(shared, { now: () => time })
    const { key } = await here.generate({ models: ['a'] })
    await here.authenticate(key)
    await there.authenticate(key)
    await here.update(key, { models: ['b'], userId: 'u2' })
    expect(await here.authenticate(key)).toMatchObject({ models: new Set(['b']), userId: 'u2' })
    await here.block(key)
    expect(await refused(() => here.authenticate(key))).toMatchObject({ status: 401 })
    time += 3000
    expect(await refused(() => there.authenticate(key))).toMatchObject({ status: 401 })
    await there.unblock(key)
    await there.authenticate(key)
    await there.delete([key])
    expect(await refused(() => there.authenticate(key))).toMatchObject({ status: 401 })
    expect(await here.info(key)).toBeUndefined()
  })

  test('an update leaves what it does not name, and takes away what is null', async () => {
    const keys = start(place())
    const { key, info } = await keys.generate({ alias: 'a', userId: 'u', tokensPerMinute: 5 })
    const updated = await keys.update(info.id, { userId: null, requestsPerMinute: 3 })
    expect(updated).toMatchObject({ alias: 'a', tokensPerMinute: 5, requestsPerMinute: 3 })
    expect(updated).not.toHaveProperty('userId')
    expect(await keys.info(`tm-${info.id}`)).toEqual(updated)
    expect(await keys.info(key)).toEqual(updated)
    expect(await keys.update(unknownKey, {})).toBeUndefined()
    expect(await keys.rotate('nothing')).toBeUndefined()
    await expect(keys.update(key, { customer: 'a', customers: 'any' })).rejects.toThrow(/customers/)
    await expect(keys.generate({ modles: ['a'] } as never)).rejects.toThrow(
      /"modles", did you mean "models"/,
    )
    await expect(keys.generate({ requestsPerMinute: 0 })).rejects.toThrow(
      /requestsPerMinute must be/,
    )
    await expect(keys.generate({ customer: 'a\nb' })).rejects.toThrow(/customer must be/)
  })

  test('no two keys have one alias, whoever gives it', async () => {
    const shared = place()
    const one = start(shared)
    const other = start(shared)
    const made = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) =>
        (index % 2 ? one : other).generate({ alias: 'same' }),
      ),
    )
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const next = await one.generate({ alias: 'other' })
    await expect(other.update(next.key, { alias: 'same' })).rejects.toThrow(/alias/)
    await one.delete((await one.list({ alias: 'same' })).keys.map(({ id }) => id))
    expect(await other.update(next.key, { alias: 'same' })).toMatchObject({ alias: 'same' })
  })

  test('changes of several processes at once are all there', async () => {
    const shared = place()
    const one = start(shared)
    const other = start(shared)
    const { key } = await one.generate()
    await Promise.all([
      one.update(key, { userId: 'u' }),
      other.update(key, { teamId: 't' }),
      one.update(key, { models: ['m'] }),
      other.block(key),
    ])
    expect(await one.info(key)).toMatchObject({
      userId: 'u',
      teamId: 't',
      models: ['m'],
      isBlocked: true,
    })
  })

  test('a list has pages, the newest first, and no secret', async () => {
    let time = 1_790_000_000_000
    const keys = start(place(), { now: () => time++ })
    const made = []
    for (let index = 0; index < 5; index++) {
      made.push(await keys.generate({ teamId: `t${index % 2}`, alias: `k${index}` }))
    }
    const first = await keys.list({ size: 2 })
    expect(first.count).toBe(5)
    expect(first.keys.map(({ alias }) => alias)).toEqual(['k4', 'k3'])
    expect((await keys.list({ size: 2, page: 3 })).keys.map(({ alias }) => alias)).toEqual(['k0'])
    expect((await keys.list({ teamId: 't1' })).keys).toHaveLength(2)
    expect((await keys.list({ teamId: 't1', alias: 'k0' })).count).toBe(0)
    const shown = JSON.stringify([await keys.list(), await keys.info(made[0]?.key ?? '')])
    for (const { key } of made) {
      expect(shown).not.toContain(key.slice(-43))
      expect(shown).not.toContain(createHash('sha256').update(key).digest('hex'))
    }
  })

  test('when it was used last is written down when the gateway stops', async () => {
    let time = 1_790_000_000_000
    const shared = place()
    const keys = gatewayKeys({ outbox: shared.open(), now: () => time })
    const { key } = await keys.generate()
    await keys.authenticate(key)
    time += 5000
    await keys.authenticate(key)
    await keys.update(key, { userId: 'u' })
    await keys.close()
    expect(await start(shared).info(key)).toMatchObject({ lastUsedAt: time, userId: 'u' })
  })
})

test('a store that does not answer lets in for a minute whom it has just let in, and nobody else', async () => {
  let time = Date.now()
  const outbox = sqlitePlace().open()
  const keys = gatewayKeys({ outbox, now: () => time })
  const { key } = await keys.generate()
  const other = await keys.generate()
  await keys.authenticate(key)
  await outbox.close()
  time += 59_999
  expect(await keys.authenticate(key)).toMatchObject({ customer: null })
  expect(await refused(() => keys.authenticate(other.key))).toMatchObject({ status: 503 })
  time += 1
  expect(await refused(() => keys.authenticate(key))).toMatchObject({ status: 503 })
})

test('an outbox that has no place for keys is refused, and one in memory has no shared rates', () => {
  const { store: _, ...without } = memoryPlace().open()
  expect(() => gatewayKeys({ outbox: without as Outbox })).toThrow(/has no place for that/)
  const outbox = memoryPlace().open()
  expect(() => gatewayKeys({ outbox, shared: true })).toThrow(/postgresOutbox/)
  expect(() => gatewayKeys({ outbx: outbox } as never)).toThrow(/did you mean "outbox"/)
})
