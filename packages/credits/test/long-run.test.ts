import { expect, onTestFinished, test } from 'vitest'
import { memoryOutbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { formatAmount, parseAmount } from '../src/amount.ts'
import { recordCharge } from '../src/books/charges.ts'
import { hold, settle } from '../src/books/holds.ts'
import { give } from '../src/books/grants.ts'
import { assertBalanced } from '../src/books/check-books.ts'
import { MemoryRows } from '../src/books/memory-rows.ts'
import { createCredits } from '../src/index.ts'
import { everyStore } from './stores.ts'

/** A million for a search, which prints what it has found: `TOKEN_METER_TEST_RUNS=1000`. */
const count = Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 3) * 1000
const isSearch = count >= 100_000
const key = { customer: 'cus_1', unit: 'usd', stripeAccount: '' } as const

/** What the process needs, sampled ten times over a run. */
class MemorySamples {
  readonly #every: number
  readonly #samples: { readonly rss: number; readonly heapUsed: number }[] = []

  constructor(runs: number) {
    this.#every = Math.ceil(runs / 10)
  }

  at(number: number): void {
    if (number % this.#every === 0) this.#samples.push(process.memoryUsage())
  }

  /** No more in the last half of the run than in the first, but for what garbage there is by chance. */
  assertFlat(what: string): void {
    const megabytes = (of: 'rss' | 'heapUsed') =>
      this.#samples.map((sample) => Math.round(sample[of] / 2 ** 20))
    for (const of of ['rss', 'heapUsed'] as const) {
      const all = megabytes(of)
      const most = (from: number, to: number) => Math.max(...all.slice(from, to))
      if (isSearch) console.log(`${what}: ${count} holds, ${of} in MB: ${all.join(' ')}`)
      expect(most(5, 10), `${of} of ${what}`).toBeLessThan(most(0, 5) + 64)
    }
  }
}

test('holds that have ended leave nothing in memory, and odd amounts add up to the last digit', () => {
  const rows = new MemoryRows(500)
  const act = { actor: 'test', at: 1 }
  const given = parseAmount('8999999', 'usd')
  const terms = { kind: 'paid', priority: 50, effectiveAt: 0, expiresAt: null } as const
  give(rows, key, { ...terms, amount: given, source: null, idempotencyKey: 'a' }, act)
  rows.end()
  let spent = 0n
  const memory = new MemorySamples(count)
  for (let number = 0; number < count; number++) {
    const id = `h${number}`
    const amount = 123_456_789_013n + BigInt(number % 997)
    const at = { actor: 'test', at: number }
    hold(rows, key, { id, amount, floor: 0n, leaseUntil: number + 5 }, [], at)
    rows.end()
    const actual = amount - BigInt((number * 7919) % 100_003)
    settle(rows, id, [recordCharge(id, actual)], at)
    rows.end()
    spent += actual
    memory.at(number)
  }
  const { holds, endedHolds, entries, grants } = rows.all()
  expect([...holds, ...endedHolds]).toEqual([])
  expect(entries.length).toBeLessThanOrEqual(1001)
  expect(grants[0]?.remaining).toBe(given - spent)
  assertBalanced(rows.all())
  memory.assertFlat('rows in memory')
}, 600_000)

test.each([
  ['memory', () => memoryOutbox()],
  ['sqlite', () => sqliteOutbox(temporaryFile())],
] as const)(
  '%s takes very many holds that are settled',
  async (kind, open) => {
    const outbox = open()
    onTestFinished(() => outbox.close())
    const credits = createCredits({ outbox, ephemeral: true })
    await credits.grant('cus_1', { usd: '1000000', idempotencyKey: 'a' })
    let spent = 0n
    const memory = new MemorySamples(count)
    for (let number = 0; number < count; number++) {
      const held = await credits.hold('cus_1', { usd: '0.9' })
      const actual = 123_456_789_013n + BigInt(number % 997)
      await held.settle(formatAmount(actual, 'usd'))
      spent += actual
      memory.at(number)
      // An application's turns end.
      if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    memory.assertFlat(kind)
    const { posted, held } = await credits.balance('cus_1')
    expect(parseAmount(posted, 'usd')).toBe(parseAmount('1000000', 'usd') - spent)
    expect(held).toBe('0')
    expect(await credits.verify()).toEqual([])
  },
  1_200_000,
)

test.each(Object.entries(everyStore()))(
  '%s keeps amounts that no number of JavaScript is exact for',
  async (_, open) => {
    const outbox = open()
    onTestFinished(async () => void (await outbox.close()))
    const credits = createCredits({ outbox, ephemeral: true })
    await credits.grant('cus_1', { usd: '8999999.123456789012', idempotencyKey: 'a' })
    const held = await credits.hold('cus_1', { usd: '8999998.123456789011' })
    expect(await credits.balance('cus_1')).toMatchObject({
      available: '1.000000000001',
      held: '8999998.123456789011',
      posted: '8999999.123456789012',
    })
    await held.settle('8999997.000000000009')
    expect(await credits.balance('cus_1')).toMatchObject({ available: '2.123456789003', held: '0' })
    const { entries } = await credits.history('cus_1')
    expect(entries.map(({ amount }) => amount)).toEqual([
      '-8999997.000000000009',
      '8999999.123456789012',
    ])
    expect(await credits.verify()).toEqual([])
  },
)

test.each(Object.entries(everyStore()))('%s: time ends what nobody asks for', async (_, open) => {
  const outbox = open()
  onTestFinished(async () => void (await outbox.close()))
  const credits = createCredits({ outbox, ephemeral: true, sweepMs: 20 })
  onTestFinished(() => credits.close())
  const expired: unknown[] = []
  credits.on('expired', ({ customer, amount }) => expired.push([customer, amount]))
  await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
  const soon = Date.now() + 400
  await credits.grant('cus_2', { usd: '5', idempotencyKey: 'b', expiresAt: soon })
  await credits.hold('cus_1', { usd: '0.4', ttlMs: 300 })
  await expect.poll(() => expired, { timeout: 10_000 }).toEqual([['cus_2', '5']])
  await expect
    .poll(async () => (await credits.history('cus_1')).entries, { timeout: 10_000 })
    .toMatchObject([{ kind: 'lease', amount: '0' }, { kind: 'grant' }])
  expect(await credits.sweep()).toBe(0)
  expect(await credits.balance('cus_1')).toMatchObject({ available: '1', held: '0' })
})

test.each(Object.entries(everyStore()))(
  '%s: a hold has what a call that is over has left, without a timer',
  async (_, open) => {
    let at = 1000
    const outbox = open()
    onTestFinished(async () => void (await outbox.close()))
    const credits = createCredits({ outbox, ephemeral: true, now: () => at, sweepMs: 3_600_000 })
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await credits.hold('cus_1', { usd: '0.9', ttlMs: 10 })
    await expect(credits.hold('cus_1', { usd: '0.5' })).rejects.toThrow(/left/)
    at += 11
    await credits.hold('cus_1', { usd: '0.5', id: 'mine' })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.5', held: '0.5' })
    const again = await credits.hold('cus_1', { usd: '0.5', id: 'mine' })
    await again.settle('0.2')
    // Ended by now: it holds nothing again, and cannot be settled twice.
    const replayed = await credits.hold('cus_1', { usd: '0.5', id: 'mine' })
    await replayed.settle('0.2')
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.8', held: '0' })
    await expect(credits.hold('cus_1', { usd: '0.4', id: 'mine' })).rejects.toMatchObject({
      code: 'credits_conflict',
    })
  },
)
