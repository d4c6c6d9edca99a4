import type { CostCalculator } from '@token-meter/core/cost'
import { ConfigError, checkKeys, type Outbox } from '@token-meter/core/outbox'
import type { Books } from '../books/books.ts'
import { bookProblems } from '../books/check-books.ts'
import { erasedPrefix } from '../books/erased.ts'
import { openAccount } from '../books/operations.ts'
import type { Collect } from '../books/rows.ts'
import { keyOf, shownGrant } from '../shown.ts'
import { type CollectStore, mirrorPrefix, restoredCode } from './collect-store.ts'
import { type CreditCursor, creditsSink } from './cursor.ts'
import { reconcile } from './reconcile.ts'
import { drawsMoney, tokenSinks, tokenSinksFault } from './token-sinks.ts'
import type { ReconcileQuery } from './report.ts'
import type { AccountOptions, CollectVerbs } from './verbs.ts'

export interface CollectParts {
  readonly outbox: Outbox
  readonly books: Books
  readonly store: CollectStore
  readonly cursor: CreditCursor
  readonly cost: CostCalculator | undefined
  readonly now: () => number
}

const ways: ReadonlySet<unknown> = new Set<Collect>(['prepaid', 'mirror'])
const flushMs = 10_000

export function collectVerbs(parts: CollectParts): CollectVerbs {
  const { outbox, books, store, cursor, cost, now } = parts
  return {
    async account(customer, options = {}) {
      checkKeys<AccountOptions>('account()', options, { unit: true, collect: true })
      const { unit = 'usd', collect } = options
      if (collect !== undefined && !ways.has(collect)) {
        throw new ConfigError(`account(): collect is 'prepaid' or 'mirror', got ${String(collect)}`)
      }
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
        await store.setCollect(account.id, collect)
      }
      const { blocked, createdAt } = account
      return { customer, unit, collect: collect ?? account.collect, blocked, createdAt }
    },

    async block(customer, reason, { unit = 'usd' } = {}) {
      // Where the books may be those of a copy, somebody has to look first, whatever else has blocked it.
      const isRestored = reason === null && (await store.haltIfRestored())
      await books.write((rows) => {
        const account = openAccount(rows, keyOf(customer, unit), { actor: 'api', at: now() })
        account.blocked = isRestored ? restoredCode : reason
        rows.saveAccount(account)
      })
    },

    async erase(customer) {
      keyOf(customer, 'usd')
      // What the customer has used by now is charged while it is known to whom.
      await cursor.flush(flushMs)
      const accounts = await store.rename(customer, `${erasedPrefix}${crypto.randomUUID()}`)
      const { entries } = await outbox.ledger(creditsSink, { customer, limit: 1 })
      return { accounts, hasRecords: entries.length > 0 }
    },

    async reconcile(query = {}) {
      checkKeys<ReconcileQuery>('reconcile()', query, { fromMs: true, untilMs: true, accept: true })
      const { fromMs = -Infinity, untilMs = Infinity, accept = false } = query
      await cursor.ready()
      await cursor.flush(flushMs)
      const isRestored = await store.haltIfRestored()
      const mirrorsOf = (account: number) =>
        books.read(
          (rows) =>
            new Map(
              rows.objects.of(account, 'mirror').flatMap(({ id, state }) => {
                const name = state['id']
                return typeof name === 'string'
                  ? [[Number(id.slice(mirrorPrefix.length)), name] as const]
                  : []
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

    flush: ({ timeoutMs = flushMs } = {}) => cursor.flush(timeoutMs),

    close: cursor.close,

    async unmirrored(limit = 100) {
      const found = await store.unmirrored(limit)
      return found.map(({ grant, account: { customer, unit } }) => ({
        ...shownGrant(grant, unit),
        customer,
        unit,
      }))
    },

    mirrored: ({ id, customer, unit }, mirror) =>
      books.write((rows) => {
        const account = rows.account(keyOf(customer, unit))
        if (account === undefined) return false
        const name = `${mirrorPrefix}${id}`
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
      }),
  }
}
