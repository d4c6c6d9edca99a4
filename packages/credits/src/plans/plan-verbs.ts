import type { Books } from '../books/books.ts'
import { checkMirrored } from '../books/grants.ts'
import { findAccount, openAccount } from '../books/operations.ts'
import { keyOf } from '../shown.ts'
import type { PlanBook } from './plan-book.ts'
import type { PlanRow } from './plan-row.ts'
import type { PlanOfCustomer, PlanVerbs } from './verbs.ts'

export function planVerbs(books: Books, plans: PlanBook, now: () => number): PlanVerbs {
  const units = ['usd', 'tokens'] as const
  return {
    async subscribe(customer, { plan, id = 'main', anchor, actor = 'api' }) {
      const { unit, amount } = plans.terms(plan)
      const row = await books.write((rows) => {
        const act = { actor, at: now() }
        const account = openAccount(rows, keyOf(customer, unit), act)
        const known = plans.live(rows, account, act.at).find((one) => one.id === `plan:${id}`)
        checkMirrored(account, amount)
        const from = anchor === undefined ? (known?.state.anchor ?? act.at) : Number(anchor)
        plans.subscribe(rows, account, { id, plan, anchor: from }, act)
        return rows.objects.get(account.id, `plan:${id}`) as PlanRow
      })
      return shownPlan(row)
    },

    unsubscribe: (customer, { id = 'main', at = 'period end', actor = 'api' } = {}) =>
      books.write((rows) => {
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
      }),

    plansOf: (customer) =>
      books.write((rows) => {
        const at = now()
        return units
          .map((unit) => {
            const account = findAccount(rows, keyOf(customer, unit), { actor: 'clock', at })
            return account === undefined ? [] : plans.live(rows, account, at).map(shownPlan)
          })
          .flat()
      }),
  }
}

function shownPlan({ id, state }: PlanRow): PlanOfCustomer {
  const { plan, from, until, next, endsAt } = state
  const period = from === null || until === null ? null : { from, until }
  return { id: id.slice('plan:'.length), plan, period, next, endsAt }
}
