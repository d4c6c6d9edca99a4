import type { CostCalculator } from '@token-meter/core/cost'
import { ConfigError, isCount, isText, optionCheck, type Outbox } from '@token-meter/core/outbox'
import { got, isUnit } from '../amount.ts'
import type { Books } from '../books/books.ts'
import { bookProblems } from '../books/check-books.ts'
import { letGo } from '../books/blocks.ts'
import { erasedPrefix } from '../books/erased.ts'
import { openAccount } from '../books/operations.ts'
import { checkCustomer, keyOf, shownGrant } from '../shown.ts'
import { checkOptions, checkVerb, timeOf } from '../verb-options.ts'
import { holdWithinCredit } from '../books/holds.ts'
import { mirroredId, mirrorName } from '../books/objects.ts'
import { type CollectStore, restoredCode } from './collect-store.ts'
import { type CreditCursor, creditsSink } from './cursor.ts'
import { reconcile } from './reconcile.ts'
import { drawsMoney, tokenSinks, tokenSinksFault } from './token-sinks.ts'
import type { CollectVerbs } from './verbs.ts'

export interface CollectParts {
  readonly outbox: Outbox
  readonly books: Books
  readonly store: CollectStore
  readonly cursor: CreditCursor
  readonly cost: CostCalculator | undefined
  readonly now: () => number
}

const flushMs = 10_000

export function collectVerbs(parts: CollectParts): CollectVerbs {
  const { outbox, books, store, cursor, cost, now } = parts
  return {
    async account(customer, options = {}) {
      checkVerb('account', customer, options)
      const { unit = 'usd', collect } = options
      if (collect !== undefined && drawsMoney({ collect, unit })) {
        const wrong = tokenSinks(await outbox.sinks())
        if (wrong.length > 0) {
          throw new ConfigError(
            `account(): collect: 'mirror' is not possible: ${tokenSinksFault(wrong)}`,
          )
        }
      }
      const account = await books.write((rows) => ({
        ...openAccount(rows, keyOf(customer, unit), { actor: 'api', at: now() }),
      }))
      if (collect !== undefined && collect !== account.collect) {
        // What was recorded before is of the way that there was.
        await cursor.flush(flushMs)
        await books.write((rows) => {
          const own = rows.accountById(account.id)
          own.collect = collect
          rows.saveAccount(own)
          if (collect === 'prepaid') holdWithinCredit(rows, own)
        })
      }
      const { blocked, createdAt } = account
      return { customer, unit, collect: collect ?? account.collect, blocked, createdAt }
    },

    async block(customer, reason, options = {}) {
      checkVerb('block', customer, options)
      const { unit = 'usd' } = options
      const isReason = (value: unknown) => value === null || isText(value)
      const wanted = "a code, such as 'payment_failed', or null to unblock"
      optionCheck('block()', got)('the reason', reason, wanted, isReason)
      // Where the books may be those of a copy, somebody has to look first, whatever else has blocked it.
      const isRestored = reason === null && (await store.haltIfRestored())
      await books.write((rows) => {
        const key = keyOf(customer, unit)
        // Who has no account is not blocked, and gets none to be told so.
        if (reason === null && rows.account(key) === undefined) return
        const account = openAccount(rows, key, { actor: 'api', at: now() })
        if (isRestored) account.blocked = restoredCode
        else if (reason === null) letGo(rows, account, now())
        else account.blocked = reason
        rows.saveAccount(account)
      })
    },

    async erase(customer) {
      checkCustomer('erase()', customer)
      // What the customer has used by now is charged while it is known to whom.
      await cursor.flush(flushMs)
      const accounts = await store.rename(customer, `${erasedPrefix}${crypto.randomUUID()}`)
      const { entries } = await outbox.ledger(creditsSink, { customer, limit: 1 })
      return { accounts, hasRecords: entries.length > 0 }
    },

    async reconcile(query = {}) {
      checkOptions('reconcile', query)
      const { accept = false } = query
      const timeAt = (name: 'fromMs' | 'untilMs', none: number) =>
        query[name] === undefined ? none : timeOf('reconcile()', name, query[name], now())
      const fromMs = timeAt('fromMs', -Infinity)
      const untilMs = timeAt('untilMs', Infinity)
      await cursor.ready()
      await cursor.flush(flushMs)
      const isRestored = await store.haltIfRestored()
      const mirrorsOf = (account: number) =>
        books.read(
          (rows) =>
            new Map(
              rows.objects.of(account, 'mirror').flatMap(({ id, state }) => {
                const name = state['id']
                return typeof name === 'string' ? [[mirroredId(id), name] as const] : []
              }),
            ),
        )
      const report = await reconcile({
        outbox,
        store,
        cost,
        fromMs,
        untilMs,
        isRestored,
        problems: bookProblems(await books.sums()),
        mirrorsOf,
      })
      if (accept && isRestored) await store.acceptRestored()
      return report
    },

    async flush(options = {}) {
      checkOptions('flush', options)
      return cursor.flush(options.timeoutMs ?? flushMs)
    },

    close: cursor.close,

    async unmirrored(limit = 100) {
      optionCheck('unmirrored()', got)('limit', limit, 'a whole number above 0', isCount)
      const found = await store.unmirrored(limit)
      return found.map(({ grant, account: { customer, unit } }) => ({
        ...shownGrant(grant, unit),
        customer,
        unit,
      }))
    },

    async mirrored({ id, customer, unit }, mirror) {
      checkCustomer('mirrored()', customer)
      const check = optionCheck('mirrored()', got)
      check('the id of the grant', id, 'text that is not empty', isText)
      check('the unit of the grant', unit, '"usd" or "tokens"', isUnit)
      check('the name at the backend', mirror, 'text that is not empty', isText)
      return books.write((rows) => {
        const account = rows.account(keyOf(customer, unit))
        if (account === undefined) return false
        const name = mirrorName(id)
        const known = rows.objects.get(account.id, name)
        const { version = 0 } = known ?? {}
        rows.objects.save({
          dueAt: null,
          ...known,
          account: account.id,
          id: name,
          kind: 'mirror',
          state: { ...known?.state, id: mirror },
          version: version + 1,
          at: now(),
        })
        return true
      })
    },
  }
}
