import type { UsageRecord } from '@token-meter/core'
import { exampleRecord } from '@token-meter/testkit'
import fc from 'fast-check'
import type { AllRows } from '../src/books/check-books.ts'
import { adjust, give, revoke, unrevoke } from '../src/books/grants.ts'
import { charge, recordCharge, restore } from '../src/books/charges.ts'
import {
  hold,
  holdWithinCredit,
  holdsNamed,
  keepForJob,
  raise,
  refusalOf,
  release,
  renew,
  settle,
  sweep,
} from '../src/books/holds.ts'
import { openAccount } from '../src/books/operations.ts'
import type { BookRows } from '../src/books/rows.ts'
import { chargeRecords } from '../src/charge-records.ts'
import { payLate } from '../src/collect/late-charges.ts'

const key = { customer: 'cus_1', unit: 'usd', stripeAccount: '' } as const
const amount = fc.bigInt({ min: 0n, max: 1000n })
const id = fc.nat(5)
const limits = (at: number) =>
  [
    { pool: 'team', period: `p${Math.floor(at / 50)}`, limit: 700n, isSoft: false, rollover: true },
    { pool: 'key', period: `q${Math.floor(at / 90)}`, limit: 300n, isSoft: true, rollover: false },
  ] as const
const kinds = ['paid', 'promo', 'plan'] as const

export type Operation = typeof operations extends fc.Arbitrary<infer One> ? One : never

export const operations = fc.oneof(
  fc.record({
    op: fc.constant('give' as const),
    id: fc.nat(20),
    amount,
    kind: fc.constantFrom(...kinds),
    priority: fc.nat(2),
    from: fc.nat(40),
    until: fc.option(fc.nat(100)),
  }),
  fc.record({ op: fc.constant('hold' as const), id: fc.nat(12), amount, lease: fc.nat(30) }),
  fc.record({
    op: fc.constant('settle' as const),
    id: fc.nat(20),
    amounts: fc.array(amount, { maxLength: 3 }),
    again: fc.boolean(),
  }),
  fc.record({ op: fc.constant('release' as const), id: fc.nat(20) }),
  fc.record({ op: fc.constant('raise' as const), id: fc.nat(20), to: amount }),
  fc.record({ op: fc.constant('renew' as const), id: fc.nat(20), lease: fc.nat(60) }),
  fc.record({ op: fc.constant('keep' as const), id: fc.nat(6), job: fc.nat(1) }),
  fc.record({ op: fc.constant('charge' as const), id: fc.nat(60), amount }),
  fc.record({ op: fc.constant('restore' as const), id: fc.nat(60) }),
  fc.record({
    op: fc.constant('revoke' as const),
    id: fc.nat(20),
    key: id,
    amount: fc.option(amount, { nil: undefined }),
  }),
  fc.record({ op: fc.constant('unrevoke' as const), id: fc.nat(20), key: id }),
  fc.record({
    op: fc.constant('adjust' as const),
    id: fc.nat(20),
    amount: fc.bigInt({ min: -500n, max: 500n }),
  }),
  fc.record({ op: fc.constant('block' as const), reason: fc.constantFrom('dispute', null, null) }),
  fc.record({ op: fc.constant('collect' as const), as: fc.constantFrom('prepaid', 'mirror') }),
  fc.record({ op: fc.constant('sweep' as const) }),
  fc.record({ op: fc.constant('wait' as const), ms: fc.nat(30) }),
  fc.record({
    op: fc.constant('append' as const),
    id: fc.nat(20),
    job: fc.option(fc.nat(1), { nil: undefined }),
    records: fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ op: fc.constant('late' as const), id: fc.nat(40), isGivenUp: fc.boolean() }),
)

/** What a record costs: in its text, which has a digit more than counts, and as it is rounded. */
function costOf(number: number): { readonly text: string; readonly amount: bigint } {
  const parts = (number * 37) % 500
  const digit = number % 10
  const text = `0.${String(parts).padStart(12, '0')}${digit}`
  return { text, amount: BigInt(parts) + (digit >= 5 ? 1n : 0n) }
}

/** One of the records that are kept: each always costs the same, some are nobody's, of some no price is known. */
function recordOf(number: number, isLate = false): UsageRecord {
  const { text: billed } = costOf(number)
  const isPriced = isLate || number % 5 !== 4
  return exampleRecord({
    id: `a${number}`,
    customer: !isLate && number % 7 === 0 ? null : key.customer,
    at: 1_000_000,
    ...(isPriced && {
      cost: { currency: 'USD', provider: billed, billed, source: 'prices' } as const,
    }),
  })
}

/** The cursor comes to a record, whose price is known and which is somebody's by now. */
function payNow(rows: BookRows, number: number, isGivenUp: boolean, at: number): unknown {
  const record = recordOf(number, true)
  const terms = { cost: undefined, act: { actor: 'test', at }, billsTokens: false }
  return payLate(rows, { record, isGivenUp, chargedBefore: [] }, terms)
}

/** The cursor comes to every record that there is. */
export function payAll(rows: BookRows, at: number): void {
  openAccount(rows, key, { actor: 'test', at })
  for (let number = 0; number <= 40; number++) payNow(rows, number, false, at)
}

/**
 * A record is charged what it costs or nothing; once the cursor has come to all of them what they cost, and
 * nothing stands in for any.
 */
export function recordProblems({ entries }: AllRows, isPaid: boolean): readonly string[] {
  const problems: string[] = []
  const sums = new Map<string, bigint>()
  for (const { key, kind, record, ref, amount } of entries) {
    const isStandIn = /^(reversal:)?lease:record:/.test(key)
    const name = isStandIn ? `in place of ${ref}` : record
    if (name === null || kind === 'expiry') continue
    sums.set(name, (sums.get(name) ?? 0n) - amount)
  }
  for (let number = 0; number <= 40; number++) {
    const { amount } = costOf(number)
    const charged = sums.get(`a${number}`) ?? 0n
    const isRight = charged === amount || (!isPaid && charged === 0n)
    if (!isRight) problems.push(`a${number} is charged ${charged}, and costs ${amount}`)
    const instead = sums.get(`in place of a${number}`) ?? 0n
    if (instead !== 0n && (isPaid || charged > 0n)) {
      problems.push(`${instead} stands in for a${number}, which is charged`)
    }
  }
  return problems
}

/** Does it, and returns what came of it. */
export function run(rows: BookRows, one: Operation, at: number): unknown {
  const act = { actor: 'test', at }
  const account = openAccount(rows, key, act)
  switch (one.op) {
    case 'give': {
      // Of which a mirrored account is given whole cents alone.
      if (account.collect === 'mirror') return 'mirrored'
      const expiresAt = one.until === null ? null : at + one.until
      const when = { effectiveAt: at + one.from - 20, expiresAt }
      const { amount, kind, priority } = one
      const what = { amount, kind, priority, source: `s${one.id}`, idempotencyKey: `g${one.id}` }
      return give(rows, key, { ...what, ...when }, act).state
    }
    case 'hold': {
      const wanted = { id: `h${one.id}`, amount: one.amount, floor: one.amount / 3n }
      return hold(
        rows,
        key,
        { ...wanted, leaseUntil: at + one.lease, isNamed: true },
        limits(at).slice(one.id % 3),
        act,
      )
    }
    case 'settle': {
      const charges = one.amounts.map((amount, index) =>
        recordCharge(`h${one.id}r${index}`, amount),
      )
      return settle(rows, `h${one.id}`, charges, act)
    }
    case 'release':
      return release(rows, `h${one.id}`, act)
    case 'raise': {
      const held = rows.hold(`h${one.id}`)
      const by = one.to - (held?.amount ?? one.to)
      if (held === undefined || by <= 0n) return undefined
      const own = limits(at).filter(({ pool, period }) =>
        held.pools.some(([a, b]) => a === pool && b === period),
      )
      if (own.length < held.pools.length) return undefined
      const refused = refusalOf(rows, rows.accountById(held.account), by, own, act)
      if (refused !== undefined) return refused
      raise(rows, held, by)
      return held.amount
    }
    case 'renew':
      return renew(rows, [`h${one.id}`], at + one.lease)
    case 'keep':
      keepForJob(rows, `h${one.id}`, `j${one.job}`, at + 5)
      // Also of the job that it may have been kept for before.
      return ['j0', 'j1', 'j2'].map((job) => holdsNamed(rows, `job:${job}`).map(({ id }) => id))
    case 'charge':
      return charge(rows, account, recordCharge(`r${one.id}`, one.amount), act)
    case 'restore':
      const record = one.id % 2 === 0 ? `r${one.id}` : `h${one.id % 20}r0`
      return restore(rows, account, { record, key: `usage:${record}` }, act)
    case 'revoke':
    case 'unrevoke': {
      const [grant] = rows.grantsOfSource(account.id, `s${one.id}`)
      if (grant === undefined) return undefined
      const revocation = { grant: grant.id, key: `k${one.key} ${one.id}`, ref: null }
      return one.op === 'revoke'
        ? revoke(rows, account, { ...revocation, amount: one.amount }, act)
        : unrevoke(rows, account, revocation, act)
    }
    case 'adjust': {
      if (account.collect === 'mirror') return 'mirrored'
      const what = { amount: one.amount, idempotencyKey: `a${one.id}`, ref: null }
      return adjust(rows, key, what, act)
    }
    case 'block':
      account.blocked = one.reason
      rows.saveAccount(account)
      return undefined
    case 'collect':
      account.collect = one.as
      rows.saveAccount(account)
      if (one.as === 'prepaid') holdWithinCredit(rows, account)
      return undefined
    case 'sweep':
      return sweep(rows, act, 100)
    case 'wait':
      return undefined
    case 'append': {
      const records = one.records.map((number) => recordOf(number))
      const holds = one.job === undefined ? [`h${one.id}`] : [`job:j${one.job}`]
      chargeRecords(rows, records, holds, { cost: undefined, act })
      return undefined
    }
    case 'late':
      return payNow(rows, one.id, one.isGivenUp, at)
  }
}

/** Whether it is an input that is once: done again, at any later time, it changes nothing. */
export function isDoneOnce(one: Operation, answer: unknown): boolean {
  switch (one.op) {
    case 'give':
      return answer === 'granted'
    case 'hold':
      return (answer as { readonly state: string }).state === 'held'
    case 'settle':
    case 'release':
    case 'charge':
    case 'restore':
    case 'unrevoke':
      return answer === true
    case 'revoke':
      return answer !== undefined
    case 'adjust':
      return answer !== 'mirrored'
    default:
      return false
  }
}

/** An operation that was interrupted. */
export class Interrupted extends Error {}

/** The same rows, of which the write after so many throws. */
export function interrupted(rows: BookRows, writes: number): BookRows {
  let left = writes
  return new Proxy(rows, {
    get(target, name) {
      const value = target[name as keyof BookRows] as unknown
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => {
        const isWrite = /^(save|add|end)[A-Z]/.test(String(name))
        if (isWrite && left-- <= 0) throw new Interrupted()
        return Reflect.apply(value, target, given)
      }
    },
  })
}
