import type { AskSql } from '@token-meter/core/outbox'
import type { AllRows } from './check-books.ts'
import {
  type Columns,
  toAccount,
  toEndedHold,
  toEntry,
  toGrant,
  toHold,
  toPool,
} from './columns.ts'
import { creditTables, type CreditTables } from './postgres-schema.ts'

/**
 * Everything at one moment, with entries as their sums: one statement sees one moment, and amounts go
 * as text, since they are larger than a number of JSON is exact.
 */
export async function postgresSums(ask: AskSql, schema: string): Promise<AllRows> {
  const tables = creditTables(schema)
  const asText = (table: string, order: string, ...amounts: string[]) => {
    const texts = amounts.map((name) => `'${name}', "${name}"::text`).join(', ')
    return `(SELECT coalesce(jsonb_agg(to_jsonb(one) || jsonb_build_object(${texts}) ORDER BY ${order}), '[]')
      FROM ${table} AS one)`
  }
  const entries = `(SELECT account, grant_id, pools, sum(amount) AS amount, max(id) AS id,
      max(kind) AS kind, max(key) AS key, NULL AS hold, NULL AS record, NULL AS ref,
      max(actor) AS actor, max(at) AS at
    FROM ${tables.credit_entries} GROUP BY account, grant_id, pools)`
  const accounts = `(SELECT *, (SELECT max(id) FROM ${tables.credit_entries} AS e
    WHERE e.account = a.id) AS last_entry FROM ${tables.credit_accounts} AS a)`
  const [row] = await ask(`SELECT
    ${asText(accounts, 'id', 'debt')} AS accounts,
    ${asText(tables.credit_grants, 'id', 'amount', 'remaining', 'held', 'revoked')} AS grants,
    ${asText(tables.credit_holds, 'created_at, id', 'amount', 'floor')} AS holds,
    ${asText(tables.credit_ended_holds, 'id', 'amount')} AS ended,
    ${asText(tables.credit_pools, 'id', 'limit', 'carried', 'spent', 'held')} AS pools,
    ${asText(entries, 'account, id', 'amount')} AS entries`)
  const of = (name: string) => (row?.[name] ?? []) as readonly Columns[]
  return {
    accounts: of('accounts').map(toAccount),
    grants: of('grants').map(toGrant),
    holds: of('holds').map(toHold),
    endedHolds: of('ended').map(toEndedHold),
    pools: of('pools').map(toPool),
    entries: of('entries').map(toEntry),
  }
}

/** When the next lease ends or the next account is due. */
export async function nextSweep(ask: AskSql, tables: CreditTables): Promise<number | null> {
  const [row] = await ask(`SELECT min(at) AS at FROM (
    SELECT min(lease_until) AS at FROM ${tables.credit_holds}
    UNION ALL SELECT min(next_due_at) FROM ${tables.credit_accounts}) AS due`)
  return (row?.['at'] ?? null) as number | null
}
