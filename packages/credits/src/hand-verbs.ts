/** What is put right, taken back and looked up by hand. */
import { ConfigError } from '@token-meter/core/outbox'
import { formatAmount, parseAmount } from './amount.ts'
import type { Books } from './books/books.ts'
import { erasedOwner } from './books/erased.ts'
import { adjust, revoke, unrevoke } from './books/grants.ts'
import { type Act, findAccount } from './books/operations.ts'
import type { AccountKey, AccountRow, BookRows } from './books/rows.ts'
import type { Credits } from './credits.ts'
import { amountOf, keyOf, shownEntry, unitOf } from './shown.ts'
import { checkVerb } from './verb-options.ts'

/** Who was given something for a source, also where its customer was erased since. */
const ownerOf = (rows: BookRows, key: AccountKey, source: string): AccountRow | undefined =>
  erasedOwner(rows, key, { sources: [source] }) ?? rows.account(key)

export function handVerbs(
  books: Books,
  act: (actor: string) => Act,
): Pick<Credits, 'adjust' | 'revoke' | 'unrevoke' | 'history'> {
  return {
    async adjust(customer, wanted) {
      checkVerb('adjust', customer, wanted)
      const { idempotencyKey, reason = null, actor = 'api' } = wanted
      const key = keyOf(customer, unitOf(wanted))
      const what = { amount: amountOf(wanted), idempotencyKey, ref: reason }
      return books.write((rows) => {
        if (what.amount < 0n && findAccount(rows, key, act(actor)) === undefined) {
          throw new ConfigError(
            `adjust(): ${customer} has no account in ${key.unit} to take from, and nothing was taken. ` +
              'Where the name is right, make the account first: credits.account(customer)',
          )
        }
        return adjust(rows, key, what, act(actor))
      })
    },

    async revoke(customer, options) {
      checkVerb('revoke', customer, options)
      const { source, amount, unit = 'usd', idempotencyKey, actor = 'api' } = options
      const most = amount === undefined ? undefined : parseAmount(amount, unit)
      if (most !== undefined && most < 0n) {
        throw new RangeError('what is revoked is an amount from 0 up')
      }
      return books.write((rows) => {
        const account = ownerOf(rows, keyOf(customer, unit), source)
        if (account === undefined) return '0'
        let taken = 0n
        for (const grant of rows.grantsOfSource(account.id, source)) {
          const rest = most === undefined ? undefined : most - taken
          if (rest === 0n) break
          const one = { grant: grant.id, amount: rest, key: idempotencyKey, ref: source }
          const key = `${idempotencyKey}:${grant.id}`
          taken += revoke(rows, account, { ...one, key }, act(actor)) ?? 0n
        }
        return formatAmount(taken, unit)
      })
    },

    async unrevoke(customer, options) {
      checkVerb('unrevoke', customer, options)
      const { source, unit = 'usd', idempotencyKey, actor = 'api' } = options
      return books.write((rows) => {
        const account = ownerOf(rows, keyOf(customer, unit), source)
        if (account === undefined) return false
        return rows
          .grantsOfSource(account.id, source)
          .map((grant) => ({ grant: grant.id, key: `${idempotencyKey}:${grant.id}`, ref: source }))
          .map((one) => unrevoke(rows, account, one, act(actor)))
          .some(Boolean)
      })
    },

    async history(customer, query = {}) {
      checkVerb('history', customer, query)
      const { unit = 'usd', limit = 100, after } = query
      return books.read((rows) => {
        const account = rows.account(keyOf(customer, unit))
        if (account === undefined) return { entries: [] }
        const found = rows.entries(account.id, limit + 1, after ?? null)
        const page = found.slice(0, limit)
        const next = found.length > limit ? { next: (page.at(-1) as { id: number }).id } : {}
        return { ...next, entries: page.map((entry) => shownEntry(entry, unit)) }
      })
    },
  }
}
