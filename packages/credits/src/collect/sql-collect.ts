import { type Columns, toAccount, toEntry, toGrant, toHold } from '../books/columns.ts'
import { unattributedRef } from '../charge-records.ts'
import { mirrorPrefix } from '../books/objects.ts'
import { type CollectStore, restoredCode } from './collect-store.ts'

/** Asks for rows; a list is given as one value. */
export type Ask = (text: string, values?: readonly unknown[]) => Promise<readonly Columns[]>

/** What differs between the databases. */
export interface Dialect {
  /** Full names of tables. */
  readonly table: (name: string) => string
  /** The rows of a list of texts that is a parameter. */
  readonly texts: (parameter: string) => string
}

export const sqliteDialect: Dialect = {
  table: (name) => name,
  texts: (parameter) => `SELECT value FROM json_each(${parameter})`,
}

export const postgresDialect = (schema: string): Dialect => ({
  table: (name) => `${schema}.${name}`,
  texts: (parameter) => `SELECT jsonb_array_elements_text(${parameter}::jsonb)`,
})

export function tables({ table }: Dialect): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${table('credit_restores')} (accepted INTEGER NOT NULL)`,
    `CREATE INDEX IF NOT EXISTS credit_entries_unattributed
      ON ${table('credit_entries')} (record) WHERE ref = '${unattributedRef}'`,
  ]
}

export function inSql(ask: Ask, dialect: () => Dialect): CollectStore {
  const table = (name: string) => dialect().table(name)
  return {
    async rename(customer, to) {
      const sql = `UPDATE ${table('credit_accounts')} SET customer = $1 WHERE customer = $2 RETURNING id`
      return (await ask(sql, [to, customer])).length
    },
    async chargedUnattributed(records) {
      const rows = await ask(
        `SELECT DISTINCT record, account FROM ${table('credit_entries')}
         WHERE ref = '${unattributedRef}' AND kind = 'usage' AND record IN (${dialect().texts('$1')})`,
        [JSON.stringify(records)],
      )
      const byRecord = Map.groupBy(rows, (row) => row['record'] as string)
      return new Map(
        [...byRecord].map(([record, of]) => [record, of.map((row) => Number(row['account']))]),
      )
    },
    async unmirrored(limit) {
      const grants = (
        await ask(
          `SELECT one.* FROM ${table('credit_grants')} AS one
             JOIN ${table('credit_accounts')} AS account ON account.id = one.account
           WHERE collect = 'mirror' AND state IN ('scheduled', 'active') AND NOT EXISTS (
             SELECT 1 FROM ${table('credit_objects')} AS object
             WHERE object.account = one.account AND object.id = '${mirrorPrefix}' || one.id
               AND object.state ->> 'id' IS NOT NULL)
           ORDER BY one.id LIMIT $1`,
          [limit],
        )
      ).map(toGrant)
      const ids = JSON.stringify([...new Set(grants.map(({ account }) => String(account)))])
      const sql = `SELECT * FROM ${table('credit_accounts')}
        WHERE CAST(id AS TEXT) IN (${dialect().texts('$1')})`
      const accounts = (await ask(sql, [ids])).map(toAccount)
      return grants.flatMap((grant) => {
        const account = accounts.find(({ id }) => id === grant.account)
        return account === undefined ? [] : { grant, account }
      })
    },
    async haltIfRestored() {
      const [row] = await ask(
        `SELECT restored, (SELECT max(accepted) FROM ${table('credit_restores')}) AS accepted
         FROM ${table('identity')}`,
      )
      const restored = Number(row?.['restored'] ?? 0)
      const accepted = row?.['accepted'] ?? null
      if (accepted === null) {
        await ask(`INSERT INTO ${table('credit_restores')} (accepted) VALUES ($1)`, [restored])
        return false
      }
      if (Number(accepted) >= restored) return false
      await ask(
        `UPDATE ${table('credit_accounts')} SET blocked = '${restoredCode}' WHERE blocked IS NULL`,
      )
      return true
    },
    async acceptRestored() {
      await ask(
        `UPDATE ${table('credit_restores')} SET accepted = (SELECT restored FROM ${table('identity')})`,
      )
      await ask(
        `UPDATE ${table('credit_accounts')} SET blocked = NULL WHERE blocked = '${restoredCode}'`,
      )
    },
    async accounts(after, limit) {
      const sql = `SELECT * FROM ${table('credit_accounts')} WHERE id > $1 ORDER BY id LIMIT $2`
      return (await ask(sql, [after, limit])).map(toAccount)
    },
    async everythingOf(account) {
      const of = (name: string, order: string) =>
        ask(`SELECT * FROM ${table(name)} WHERE account = $1 ORDER BY ${order}`, [account.id])
      const entries = (await of('credit_entries', 'id')).map(toEntry)
      return {
        // It is counted from its entries.
        accounts: [{ ...account, lastEntry: entries.at(-1)?.id ?? 0 }],
        pools: [],
        grants: (await of('credit_grants', 'id')).map(toGrant),
        holds: (await of('credit_holds', 'id')).map(toHold),
        endedHolds: [],
        entries,
      }
    },
  }
}
