import type { BatchEntry } from '@token-meter/core/sink'
import { expect, test } from 'vitest'
import { batchOf, never, recordsOf } from '@token-meter/testkit'
import { start } from './start.ts'

const always = { times: Infinity }

/** 100 records, of which r37 is the one. */
const withPoison = (known: Partial<BatchEntry> = {}) => batchOf(recordsOf(100), known)
const poison = '"transaction_id":"r37"'

function others(results: readonly { status: string }[]): Set<string> {
  return new Set(results.filter((_, index) => index !== 37).map(({ status }) => status))
}

test('what Lago has is dropped, what is wrong a dead letter, the rest is sent: in three requests', async () => {
  const { fake, sink } = await start(
    { code: ({ id }) => (id === 'r3' ? 'bad' : 'good') },
    { expression: ({ code }) => (code === 'bad' ? 'x' : undefined) },
  )
  await sink.send(batchOf(recordsOf(2)), never)
  const before = fake.requests.length
  const results = await sink.send(batchOf(recordsOf(5)), never)
  expect(results.map(({ status }) => status)).toEqual([
    'accepted',
    'accepted',
    'accepted',
    'rejected',
    'accepted',
  ])
  expect(fake.requests.length - before).toBe(3)
  expect(fake.events.map((event) => event.transaction_id)).toEqual(['r0', 'r1', 'r2', 'r4'])
})

test.each([false, true])(
  'a batch with duplicates in it is billed once (neighbours kept: %s)',
  async (keepsNeighbours) => {
    const { fake, sink } = await start({}, { keepsNeighbours })
    await sink.send(batchOf(recordsOf(30)), never)
    const results = await sink.send(batchOf(recordsOf(100)), never)
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']))
    expect(fake.events).toHaveLength(100)
    // The refused one, the rest of it, and where that was kept one more to hear so.
    expect(fake.requests).toHaveLength(3)
  },
)

test('after a duplicate, the others may be kept although they were refused', async () => {
  const { fake, sink } = await start({}, { keepsNeighbours: true })
  await sink.send(batchOf(recordsOf(1)), never)
  fake.failWith({ status: 429 }, { skip: 1 })
  const results = await sink.send(batchOf(recordsOf(2)), never)
  expect(results).toMatchObject([{ status: 'accepted' }, { status: 'retry', uncertain: true }])
  expect(await sink.send(batchOf(recordsOf(2).slice(1)), never)).toMatchObject([
    { status: 'accepted' },
  ])
  expect(fake.billed()).toMatchObject([{ value: 20 }, { value: 14 }, { value: 10 }])
})

test.each([
  ['413', { status: 413, body: '<html>' }],
  ['400', { status: 400, body: { status: 400, error: 'BadRequest: no' } }],
])('a %i that names none: halves, until the one to blame is alone', async (_, fault) => {
  const { fake, sink } = await start()
  fake.failWith(fault, { ...always, matching: poison })
  const results = await sink.send(withPoison(), never)
  expect(results[37]).toMatchObject({ status: 'rejected' })
  expect(others(results)).toEqual(new Set(['accepted']))
  expect(fake.events).toHaveLength(99)
})

test('a batch that is too long for this Lago is sent in halves', async () => {
  const { fake, sink } = await start({}, { maxBatchEvents: 30 })
  const results = await sink.send(batchOf(recordsOf(100)), never)
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']))
  expect(fake.events).toHaveLength(100)
})

test('what something in front of Lago refuses is kept, and its neighbours arrive', async () => {
  const { fake, sink } = await start()
  fake.failWith({ status: 400, body: '<html>' }, { ...always, matching: poison })
  const results = await sink.send(withPoison(), never)
  expect(results[37]).toMatchObject({ status: 'retry', afterMs: 60_000 })
  expect(others(results)).toEqual(new Set(['accepted']))
  expect(fake.events).toHaveLength(99)
})

test('one that makes Lago crash holds up its neighbours for three attempts, and no longer', async () => {
  const { fake, sink } = await start()
  fake.failWith({ status: 500 }, { ...always, matching: poison })
  for (const attempts of [0, 1, 2]) {
    const results = await sink.send(withPoison({ attempts }), never)
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['retry']))
  }
  expect(fake.requests).toHaveLength(3)
  const results = await sink.send(withPoison({ attempts: 3 }), never)
  expect(results[37]).toMatchObject({ status: 'retry', uncertain: true })
  expect(others(results)).toEqual(new Set(['accepted']))
  expect(fake.events).toHaveLength(99)
})

test('an outage is no poison: the halves are not searched', async () => {
  const { fake, sink } = await start({ events: 'per-token-type' })
  fake.failWith({ status: 500 }, always)
  const results = await sink.send(batchOf(recordsOf(100), { attempts: 9 }), never)
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['retry']))
  expect(fake.requests).toHaveLength(3)
  fake.recover()
  fake.failWith({ status: 400, body: '<html>' }, always)
  await sink.send(batchOf(recordsOf(100)), never)
  expect(fake.requests).toHaveLength(6)
})

test('text that Lago cannot store is taken out, or a dead letter, before it can harm a batch', async () => {
  const { fake, sink } = await start()
  const records = [
    ...recordsOf(1, { attributes: { team: 'a\0b\ud800' } }),
    ...recordsOf(1, { id: 'r1', customer: 'cus\0' }),
    ...recordsOf(1, { id: 'r2', at: 1e300 }),
  ]
  expect(await sink.send(batchOf(records), never)).toMatchObject([
    { status: 'accepted' },
    { status: 'rejected', reason: expect.stringMatching(/subscription has characters/) },
    { status: 'rejected', reason: expect.stringMatching(/time is no date/) },
  ])
  expect(fake.events).toMatchObject([{ properties: { team: 'ab\ufffd' } }])
})
