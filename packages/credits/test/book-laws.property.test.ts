import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assertBalanced } from '../src/books/check-books.ts'
import { give } from '../src/books/grants.ts'
import { charge, recordCharge } from '../src/books/charges.ts'
import { hold, release, settle } from '../src/books/holds.ts'
import { MemoryRows } from '../src/books/memory-rows.ts'
import { type Operation, operations, run } from './random-operations.ts'

const key = { customer: 'cus_1', unit: 'usd', stripeAccount: '' } as const
const numRuns = 200

/** Operations that charge nothing by themselves, at moments that come one after the other. */
const harmless: ReadonlySet<Operation['op']> = new Set([
  'give',
  'hold',
  'release',
  'raise',
  'renew',
  'keep',
  'block',
  'sweep',
  'wait',
])
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: operations.filter(({ op }) => harmless.has(op)) },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constant('end' as const), id: fc.nat(20), share: fc.nat(100) }),
    },
  ),
  { minLength: 20, maxLength: 80, size: 'max' },
)

/** What an account has, and where it stands with its pools; not what names were used. */
function standing(rows: MemoryRows): unknown {
  const { accounts, grants, pools, holds, entries } = rows.all()
  const used = pools.filter(({ held, spent }) => held !== 0n || spent !== 0n)
  return structuredClone({ accounts, grants, pools: used, holds, entries })
}

test('whoever uses no more than is held owes nothing, and what is held is never more than there is', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const rows = new MemoryRows()
      let at = 0
      for (const one of all) {
        if (one.op === 'wait') at += one.ms
        if (one.op === 'end') {
          const held = rows.hold(`h${one.id}`)
          const actual = ((held?.amount ?? 0n) * BigInt(one.share)) / 100n
          const act = { actor: 'test', at }
          if (held !== undefined) settle(rows, held.id, [recordCharge(`r${at}`, actual)], act)
        } else run(rows, one, at)
        rows.end()
        for (const { debt } of rows.all().accounts) expect(debt).toBe(0n)
        assertBalanced(rows.all())
      }
    }),
    { numRuns },
  )
})

test('a hold that comes to nothing leaves what was there before it', () => {
  const end = fc.constantFrom('settle', 'settle of nothing', 'release')
  const last = fc.record({ amount: fc.bigInt({ min: 0n, max: 1000n }), pools: fc.nat(2), end })
  fc.assert(
    fc.property(fc.array(operations, { minLength: 10, maxLength: 40 }), last, (all, one) => {
      const rows = new MemoryRows()
      let at = 0
      for (const before of all) {
        if (before.op === 'wait') at += before.ms
        run(rows, before, at)
        rows.end()
      }
      const act = { actor: 'test', at }
      // What time ends is no matter of the hold.
      run(rows, { op: 'sweep' }, at)
      rows.end()
      const before = standing(rows)
      const limits = ['team', 'key'].slice(one.pools).map((pool) => {
        return { pool, period: 'new', limit: 900n, isSoft: false, rollover: false }
      })
      const wanted = { id: 'last', amount: one.amount, floor: 1n, leaseUntil: at + 10 }
      const held = hold(rows, key, wanted, limits, act)
      if (held.state === 'held') {
        const charges = one.end === 'settle of nothing' ? [recordCharge('none', 0n)] : []
        if (one.end === 'release') expect(release(rows, 'last', act)).toBe(true)
        else expect(settle(rows, 'last', charges, act)).toBe(true)
      }
      rows.end()
      expect(standing(rows)).toEqual(before)
    }),
    { numRuns },
  )
})

test('grants are drawn by priority, then by what expires first, then what was given away, then the oldest', () => {
  const kinds = ['promo', 'plan', 'adjustment', 'paid'] as const
  const grant = fc.record({
    amount: fc.bigInt({ min: 1n, max: 50n }),
    priority: fc.nat(1),
    expiresAt: fc.constantFrom(1000, 2000, null),
    kind: fc.constantFrom(...kinds),
    at: fc.nat(2),
  })
  const grants = fc.array(grant, { minLength: 2, maxLength: 8 })
  fc.assert(
    fc.property(grants, fc.bigInt({ min: 1n, max: 300n }), fc.boolean(), (all, cost, isHeld) => {
      const rows = new MemoryRows()
      const made = all.map(({ at, ...terms }, index) => {
        const what = { ...terms, source: null, idempotencyKey: `g${index}`, effectiveAt: 0 }
        return give(rows, key, what, { actor: 'test', at }).grant.id
      })
      const act = { actor: 'test', at: 3 }
      const record = recordCharge('r', cost)
      const total = all.reduce((sum, { amount }) => sum + amount, 0n)
      const wanted = { id: 'h', amount: cost, floor: 0n, leaseUntil: 10 }
      if (isHeld && cost <= total) {
        hold(rows, key, wanted, [], act)
        settle(rows, 'h', [record], act)
      } else {
        const account = rows.account(key)
        if (account !== undefined) charge(rows, account, record, act)
      }
      rows.end()
      const rank = (index: number) => {
        const { priority, expiresAt, kind, at } = all[index] as (typeof all)[number]
        return [priority, expiresAt ?? 9999, kinds.indexOf(kind), at, index]
      }
      const order = all
        .map((_, index) => index)
        .toSorted((a, b) => {
          const [of, other] = [rank(a), rank(b)]
          const differs = of.findIndex((part, place) => part !== other[place])
          return (of[differs] ?? 0) - (other[differs] ?? 0)
        })
      let rest = cost
      const expected = order.flatMap((index) => {
        const { amount } = all[index] as (typeof all)[number]
        const part = amount < rest ? amount : rest
        rest -= part
        return part === 0n ? [] : [[made[index], -part]]
      })
      if (rest > 0n) expected.push([null as never, -rest])
      const usage = rows.all().entries.filter(({ kind }) => kind === 'usage')
      expect(usage.map((entry) => [entry.grant, entry.amount])).toEqual(expected)
    }),
    { numRuns },
  )
})

test('what is set aside of a grant outlives it, and nothing else is taken of it then', () => {
  const some = fc.array(operations, { minLength: 20, maxLength: 80, size: 'max' })
  fc.assert(
    fc.property(some, (all) => {
      const rows = new MemoryRows()
      let at = 0
      for (const one of all) {
        if (one.op === 'wait') at += one.ms
        run(rows, one, at)
        rows.end()
      }
      const { grants, entries } = rows.all()
      for (const { id, state, expiresAt, remaining, held } of grants) {
        if (state !== 'expired' || expiresAt === null) continue
        expect(remaining, `of grant ${id} is left what is set aside`).toBe(held)
        const taken = entries.filter(
          ({ grant, kind, at: when }) =>
            grant === id &&
            when >= expiresAt &&
            (kind === 'usage' || kind === 'lease' || kind === 'adjust' || kind === 'debt'),
        )
        for (const entry of taken) {
          expect(entry.hold, `an entry after the end of grant ${id}`).not.toBeNull()
        }
      }
    }),
    { numRuns },
  )
})
