import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import type { StripeBooks } from './books.ts'
import type { CreditGrant, CreditTransaction, Invoice } from './objects.ts'
import { found, metadataOf, page, type Params, refuse, route, text, whole } from './routes.ts'

/** Credit that Stripe draws when an invoice is finalised, and never before. */
export interface CreditGrants {
  readonly endpoints: readonly FakeEndpoint[]
  /** Draws credit for lines that are metered, in Stripe's order. */
  apply(invoice: Invoice, meteredLines: ReadonlySet<string>): void
  /** What was drawn for an invoice is there again. */
  restore(invoice: Invoice): void
}

export function createCreditGrants(books: StripeBooks, keys: IdempotencyKeys): CreditGrants {
  const common = () => ({ created: books.seconds(), livemode: true })
  const valueOf = ({ amount }: CreditGrant) => amount.monetary?.value ?? 0

  function transactions(id: string): readonly CreditTransaction[] {
    return books.all('billing.credit_balance_transaction', (one) => one.credit_grant === id)
  }

  function left(grant: CreditGrant): number {
    return transactions(grant.id).reduce(
      (sum, { credit, debit }) =>
        sum + (credit?.amount.monetary?.value ?? 0) - (debit?.amount.monetary?.value ?? 0),
      0,
    )
  }

  function isInUse(grant: CreditGrant): boolean {
    const now = books.seconds()
    const { voided_at: voided, effective_at: from, expires_at: until } = grant
    return voided === null && (from ?? 0) <= now && (until === null || until > now)
  }

  function write(grant: CreditGrant, fields: Pick<CreditTransaction, 'credit' | 'debit' | 'type'>) {
    const made = books.add('billing.credit_balance_transaction', {
      ...common(),
      ...fields,
      credit_grant: grant.id,
      effective_at: books.seconds(),
    })
    books.emit('billing.credit_balance_transaction.created', made)
  }

  const money = (grant: CreditGrant, value: number) => {
    const currency = grant.amount.monetary?.currency ?? 'usd'
    return { monetary: { currency, value }, type: 'monetary' } as const
  }

  function create(params: Params): CreditGrant {
    const { monetary } = (params['amount'] ?? {}) as { readonly monetary?: Params }
    const value = whole(monetary?.['value'], 'amount[monetary][value]') ?? 0
    const currency = text(monetary?.['currency']) ?? refuse('Missing required param: currency.')
    if (value <= 0) refuse('amount[monetary][value] must be greater than 0.')
    const customer = text(params['customer']) ?? refuse('Missing required param: customer.')
    found(books.get('customer', customer), 'customer', customer)
    const expires = whole(params['expires_at'], 'expires_at') ?? null
    if (expires !== null && expires <= books.seconds()) refuse('expires_at must be in the future.')
    const grant = books.add('billing.credit_grant', {
      ...common(),
      updated: books.seconds(),
      amount: { monetary: { currency, value }, type: 'monetary' },
      applicability_config: { scope: { price_type: 'metered' } },
      category: params['category'] === 'paid' ? 'paid' : 'promotional',
      customer,
      effective_at: whole(params['effective_at'], 'effective_at') ?? books.seconds(),
      expires_at: expires,
      metadata: metadataOf(params),
      name: text(params['name']) ?? null,
      priority: whole(params['priority'], 'priority') ?? 50,
      voided_at: null,
    })
    const type = 'credits_granted'
    const credit = { amount: money(grant, value), credits_application_invoice_voided: null, type }
    write(grant, { credit, debit: null, type: 'credit' })
    books.emit('billing.credit_grant.created', grant)
    return grant
  }

  function end(id: string, how: 'void' | 'expire'): CreditGrant {
    const grant = found(books.get('billing.credit_grant', id), 'credit grant', id)
    const rest = left(grant)
    if (how === 'void' && rest < valueOf(grant)) {
      refuse('This credit grant was applied to an invoice already, and cannot be voided.')
    }
    if (grant.voided_at !== null) refuse('This credit grant is void.')
    if (how === 'void') grant.voided_at = books.seconds()
    else grant.expires_at = books.seconds()
    grant.updated = books.seconds()
    const type = how === 'void' ? 'credits_voided' : 'credits_expired'
    const debit = { amount: money(grant, rest), credits_applied: null, type } as const
    if (rest > 0) write(grant, { credit: null, debit, type: 'debit' })
    books.emit('billing.credit_grant.updated', grant)
    return grant
  }

  const ofCustomer = (customer: unknown) => (grant: CreditGrant) =>
    customer === undefined || grant.customer === customer

  return {
    apply(invoice, meteredLines) {
      const grants = books
        .all('billing.credit_grant', ofCustomer(invoice.customer))
        .filter((grant) => isInUse(grant) && grant.amount.monetary?.currency === invoice.currency)
        .toSorted(drawnFirst)
      for (const line of invoice.lines.data.filter(({ id }) => meteredLines.has(id))) {
        for (const grant of grants) {
          const drawn = (line.pretax_credit_amounts ?? []).reduce((sum, one) => sum + one.amount, 0)
          const amount = Math.min(line.amount - drawn, left(grant))
          if (amount <= 0) continue
          const applied = { invoice: invoice.id, invoice_line_item: line.id }
          const debit = {
            amount: money(grant, amount),
            credits_applied: applied,
            type: 'credits_applied',
          } as const
          write(grant, { credit: null, debit, type: 'debit' })
          const credit = { amount, type: 'credit_balance_transaction' } as const
          line.pretax_credit_amounts = [...(line.pretax_credit_amounts ?? []), credit]
          invoice.total_pretax_credit_amounts = [
            ...(invoice.total_pretax_credit_amounts ?? []),
            credit,
          ]
          invoice.total -= amount
        }
      }
    },
    restore(invoice) {
      for (const { credit_grant: id, debit } of books.all('billing.credit_balance_transaction')) {
        const applied = debit?.credits_applied
        const grant = books.get('billing.credit_grant', id)
        if (grant === undefined || applied?.invoice !== invoice.id) continue
        const type = 'credits_application_invoice_voided'
        const line = applied.invoice_line_item
        const voided = { invoice: invoice.id, invoice_line_item: line }
        const amount = money(grant, debit?.amount.monetary?.value ?? 0)
        const credit = { amount, credits_application_invoice_voided: voided, type } as const
        write(grant, { credit, debit: null, type: 'credit' })
      }
    },
    endpoints: [
      route('credit_grants', ['POST', '/v1/billing/credit_grants'], keys, create),
      route('credit_grants', ['GET', '/v1/billing/credit_grants'], keys, (params) =>
        page(
          books.all('billing.credit_grant', ofCustomer(params['customer'])),
          params,
          '/v1/billing/credit_grants',
        ),
      ),
      route('credit_grants', ['GET', '/v1/billing/credit_grants/:id'], keys, (_, id = '') =>
        found(books.get('billing.credit_grant', id), 'credit grant', id),
      ),
      route('credit_grants', ['POST', '/v1/billing/credit_grants/:id/void'], keys, (_, id = '') =>
        end(id, 'void'),
      ),
      route('credit_grants', ['POST', '/v1/billing/credit_grants/:id/expire'], keys, (_, id = '') =>
        end(id, 'expire'),
      ),
      route('credit_balance', ['GET', '/v1/billing/credit_balance_summary'], keys, (params) => {
        const { credit_grant: id } = (params['filter'] ?? {}) as Params
        const grants = books
          .all('billing.credit_grant', ofCustomer(params['customer']))
          .filter((grant) => (id === undefined ? isInUse(grant) : grant.id === id))
        const value = grants.reduce((sum, grant) => sum + left(grant), 0)
        const balance = { monetary: { currency: 'usd', value }, type: 'monetary' }
        const balances = [{ available_balance: balance, ledger_balance: balance }]
        const { customer } = params
        return { object: 'billing.credit_balance_summary', balances, customer, livemode: true }
      }),
      route('credit_balance', ['GET', '/v1/billing/credit_balance_transactions'], keys, (params) =>
        page(
          books.all(
            'billing.credit_balance_transaction',
            (one) =>
              params['credit_grant'] === undefined || one.credit_grant === params['credit_grant'],
          ),
          params,
          '/v1/billing/credit_balance_transactions',
        ),
      ),
    ],
  }
}

/** By priority, what expires first, what was given away, what is effective first, the oldest. */
function drawnFirst(a: CreditGrant, b: CreditGrant): number {
  const promo = ({ category }: CreditGrant) => (category === 'promotional' ? 0 : 1)
  const compare = (x: number, y: number) => (x === y ? 0 : x < y ? -1 : 1)
  return (
    (a.priority ?? 50) - (b.priority ?? 50) ||
    compare(a.expires_at ?? Infinity, b.expires_at ?? Infinity) ||
    promo(a) - promo(b) ||
    compare(a.effective_at ?? 0, b.effective_at ?? 0) ||
    a.created - b.created
  )
}
