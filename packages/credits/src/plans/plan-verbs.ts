import type { Books } from '../books/books.ts'
import { checkMirrored } from '../books/grants.ts'
import { findAccount, openAccount } from '../books/operations.ts'
import { checkCustomer, keyOf } from '../shown.ts'
import { checkVerb, timeOf } from '../verb-options.ts'
import type { PlanBook } from './plan-book.ts'
import { planIdOf, type PlanRow } from './plan-row.ts'
import type { PlanOfCustomer, PlanVerbs } from './verbs.ts'

export function planVerbs(books: Books, plans: PlanBook, now: () => number): PlanVerbs {
  const units = ['usd', 'tokens'] as const
  return {
    async subscribe(customer, options) {
      checkVerb('subscribe', customer, options)
      const { plan, id = 'main', anchor, quantity, actor = 'api' } = options
      const begins =
        anchor === undefined ? undefined : timeOf('subscribe()', 'anchor', anchor, now())
      const { unit, amount } = plans.terms(plan)
      const row = await books.write((rows) => {
        const act = { actor, at: now() }
        const account = openAccount(rows, keyOf(customer, unit), act)
        const known = plans.live(rows, account, act.at).find((one) => one.id === `plan:${id}`)
        checkMirrored(account, amount)
        const from = begins ?? known?.state.anchor ?? act.at
        const count = quantity ?? known?.state.quantity ?? 1
        plans.subscribe(rows, account, { id, plan, quantity: count, anchor: from }, act)
        return rows.objects.get(account.id, `plan:${id}`) as PlanRow
      })
      return shownPlan(row)
    },

    async unsubscribe(customer, options = {}) {
      checkVerb('unsubscribe', customer, options)
      const { id = 'main', at = 'period end', actor = 'api' } = options
      return books.write((rows) => {
        const act = { actor, at: now() }
        return units
          .map((unit) => {
            const account = rows.account(keyOf(customer, unit))
            if (account === undefined) return false
            const known = plans.live(rows, account, act.at).find((one) => one.id === `plan:${id}`)
            const endsAt = at === 'now' ? act.at : (known?.state.until ?? act.at)
            return plans.end(rows, account, id, endsAt, act)
          })
          .some(Boolean)
      })
    },

    async plansOf(customer) {
      checkCustomer('plansOf()', customer)
      return books.write((rows) => {
        const at = now()
        return units
          .map((unit) => {
            const account = findAccount(rows, keyOf(customer, unit), { actor: 'clock', at })
            return account === undefined ? [] : plans.live(rows, account, at).map(shownPlan)
          })
          .flat()
      })
    },
  }
}

function shownPlan(row: PlanRow): PlanOfCustomer {
  const { plan, quantity, from, until, next, nextQuantity, endsAt } = row.state
  const period = from === null || until === null ? null : { from, until }
  return { id: planIdOf(row), plan, quantity, period, next, nextQuantity, endsAt }
}
