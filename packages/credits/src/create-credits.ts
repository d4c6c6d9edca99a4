import {
  checkKeys,
  isAboveZero,
  isFunction,
  mintRecordId,
  optionCheck,
} from '@token-meter/core/outbox'
import { formatAmount, parseAmount, type Unit } from './amount.ts'
import type { Books } from './books/books.ts'
import { bookProblems } from './books/check-books.ts'
import { Sweeper, sweepDue } from './books/sweeper.ts'
import { availableOf, heldOf, postedOf } from './books/balance.ts'
import { give } from './books/grants.ts'
import { hold, release, settle } from './books/holds.ts'
import { refuseLost } from './books/lost-books.ts'
import { findAccount } from './books/operations.ts'
import type { BookRows } from './books/rows.ts'
import { chargeRecords } from './charge-records.ts'
import { collectVerbs } from './collect/collect-verbs.ts'
import { checkLasts, openCollecting } from './collect/open-collecting.ts'
import type { Credits, CreditsOptions } from './credits.ts'
import { CreditsConflictError } from './errors.ts'
import { CreditEmitter } from './events.ts'
import { handVerbs } from './hand-verbs.ts'
import { withInside } from './inside.ts'
import { checkedPlans } from './plans/plan-terms.ts'
import { PlanBook } from './plans/plan-book.ts'
import { planVerbs } from './plans/plan-verbs.ts'
import { createGuard } from './guard/guard.ts'
import { isPercents, Pools } from './pools.ts'
import { refusal } from './refusal.ts'
import { amountOf, keyOf, noBalance, shownGrant, unitOf } from './shown.ts'
import { checkVerb, refuseOver, timeOf } from './verb-options.ts'

const check = optionCheck('createCredits')

const known: Readonly<Record<keyof CreditsOptions, true>> = {
  outbox: true,
  cost: true,
  lowAt: true,
  busyMs: true,
  now: true,
  sweepMs: true,
  plans: true,
  ephemeral: true,
}

/**
 * Prepaid credit beside an outbox.
 * @throws ConfigError for a wrong option, for an outbox that keeps no books, and without `ephemeral: true` for one
 * that dies with the process.
 */
export function createCredits(options: CreditsOptions): Credits {
  checkKeys<CreditsOptions>('createCredits', options, known)
  const {
    outbox,
    cost,
    lowAt = [20, 5],
    busyMs = 2000,
    sweepMs = 15_000,
    now = Date.now,
    plans = [],
  } = options
  check('cost', cost ?? isFunction, 'made by cost()', isFunction)
  check('now', now, 'a function', isFunction)
  check('busyMs', busyMs, 'a number of ms above 0', isAboveZero)
  check('sweepMs', sweepMs, 'a number of ms above 0', isAboveZero)
  check('lowAt', lowAt, 'a list of percents above 0, such as [20, 5]', isPercents)
  check('plans', plans, 'a list of plans', Array.isArray)
  checkLasts(outbox, options.ephemeral)
  const events = new CreditEmitter(lowAt)
  const pools = new Pools()
  const act = (actor: string) => ({ actor, at: now() })

  const planBook = new PlanBook(checkedPlans(plans))
  const sweeper: Sweeper = new Sweeper((): Books => books, now, sweepMs)
  const { books, ...collecting } = openCollecting(
    { outbox, cost, act: () => act('meter'), report: (error) => events.fault(error) },
    {
      used: () => sweeper.arm(),
      plans: planBook,
      busyMs,
      appended(rows, appends) {
        for (const { records, holdIds } of appends) {
          chargeRecords(rows, records, holdIds, { cost, act: act('meter') })
        }
      },
      changed(changes, ofPools) {
        events.tell(changes)
        pools.tell(ofPools, events)
      },
      isHeard: events.isHeard,
    },
  )

  const accountOf = (rows: BookRows, customer: string, unit: Unit) => {
    const key = keyOf(customer, unit)
    refuseLost(books, rows, key)
    return findAccount(rows, key, act('clock'))
  }
  const collect = collectVerbs({ outbox, books, cost, now, ...collecting })
  const credits: Credits = {
    ...planVerbs(books, planBook, now),
    ...collect,

    async grant(customer, wanted) {
      checkVerb('grant', customer, wanted)
      const key = keyOf(customer, unitOf(wanted))
      const amount = amountOf(wanted)
      if (amount <= 0n) throw new RangeError('a grant is an amount above 0')
      const { idempotencyKey, kind = 'paid', priority = 50, actor = 'api' } = wanted
      const { source = idempotencyKey } = wanted
      const at = now()
      const effectiveAt = timeOf('grant()', 'effectiveAt', wanted.effectiveAt ?? at, at)
      const expiresAt = wanted.expiresAt === undefined ? null : Math.ceil(Number(wanted.expiresAt))
      const terms = { amount, kind, priority, source, idempotencyKey, effectiveAt, expiresAt }
      const given = await books.write((rows) => {
        if (expiresAt !== null && expiresAt <= Math.max(effectiveAt, at)) {
          // One that was given in its time is what it was, also where it is asked for again later.
          const account = rows.account(key)
          const isKnown =
            account !== undefined && rows.grantByKey(account.id, idempotencyKey) !== undefined
          if (!isKnown) refuseOver(effectiveAt, expiresAt, at)
        }
        return give(rows, key, terms, act(actor))
      })
      if (given.state === 'conflict') {
        throw new CreditsConflictError(
          `the idempotency key of this grant was used for another one: ${formatAmount(given.grant.amount, key.unit)} ${key.unit}, ${given.grant.kind}`,
        )
      }
      return shownGrant(given.grant, key.unit)
    },

    async balance(customer, options = {}) {
      checkVerb('balance', customer, options)
      const { unit = 'usd' } = options
      return books.write((rows) => {
        const account = accountOf(rows, customer, unit)
        if (account === undefined) return { ...noBalance, unit }
        const grants = [
          ...rows.grants(account.id, 'active'),
          ...rows.grants(account.id, 'scheduled'),
        ]
        return {
          unit,
          available: formatAmount(availableOf(rows, account), unit),
          held: formatAmount(heldOf(rows, account), unit),
          posted: formatAmount(postedOf(rows, account), unit),
          debt: formatAmount(account.debt, unit),
          blocked: account.blocked,
          grants: grants
            .filter((grant) => grant.remaining > 0n)
            .map((one) => shownGrant(one, unit)),
        }
      })
    },

    async check(customer, wanted) {
      checkVerb('check', customer, wanted)
      const unit = unitOf(wanted)
      const required = amountOf(wanted)
      if (required < 0n) throw new RangeError('what may be held is an amount from 0 up')
      return books.write((rows) => {
        const account = accountOf(rows, customer, unit)
        const available = account === undefined ? 0n : availableOf(rows, account)
        const allowed =
          (available >= required || account?.collect === 'mirror') &&
          (account?.blocked ?? null) === null
        return {
          allowed,
          available: formatAmount(available, unit),
          required: formatAmount(required, unit),
        }
      })
    },

    async hold(customer, wanted) {
      checkVerb('hold', customer, wanted)
      const unit = unitOf(wanted)
      const amount = amountOf(wanted)
      if (amount < 0n) throw new RangeError('a hold is an amount from 0 up')
      const { ttlMs = 60_000, actor = 'api' } = wanted
      const isNamed = wanted.id !== undefined
      const id = wanted.id ?? mintRecordId(now())
      if (/^(?:job|record):/.test(id)) {
        throw new RangeError('the id of a hold does not begin with "job:" or "record:"')
      }
      const limits = pools.limits(wanted.pools ?? [], { customer, unit, at: now() })
      const held = await books.write(
        (rows) => {
          const at = now()
          refuseLost(books, rows, keyOf(customer, unit))
          const what = { id, amount, floor: 0n, leaseUntil: Math.ceil(at + ttlMs), isNamed }
          return hold(rows, keyOf(customer, unit), what, limits, { actor, at })
        },
        {
          customers: [customer],
          ...(isNamed && { holds: [id] }),
          pools: limits.map(({ pool, period }) => [pool, period] as const),
        },
      )
      if (held.state === 'conflict') {
        throw new CreditsConflictError(`the hold ${id} is there, for another amount or account`)
      }
      if (held.state !== 'held' && held.state !== 'ended') {
        throw refusal({ events, pools }, { customer, unit, amount }, held)
      }
      return {
        id,
        customer,
        amount: formatAmount(amount, unit),
        async settle(text) {
          const spent = parseAmount(text, unit)
          if (spent < 0n) throw new RangeError('what a hold came to is an amount from 0 up')
          const one = { key: `usage:hold:${id}`, record: null, amount: spent }
          const hint = { holds: [id], keys: [one.key] }
          await books.write((rows) => settle(rows, id, [one], act(actor)), hint)
        },
        async release() {
          await books.write((rows) => release(rows, id, act(actor)), { holds: [id] })
        },
      }
    },

    ...handVerbs(books, act),

    async sweep() {
      const at = act('lease')
      for (let count = 0; ;) {
        const { holds, nextAt } = await books.write((rows) => sweepDue(rows, at))
        count += holds
        if (nextAt !== at.at) return count
      }
    },

    verify: async () => bookProblems(await books.sums()),

    close() {
      sweeper.close()
      collect.close()
    },

    guard: (wanted) => createGuard({ outbox, books, pools, events, cost, now }, wanted),

    pool: (wanted) => pools.define(wanted),

    poolBalance: async (id) => pools.balance(books, id, now()),

    on: events.on,
  }
  return withInside(credits, { books, plans: planBook, now })
}
