import type { AskSql } from '@token-meter/core/outbox'
import { toObject } from './columns.ts'
import { erasedSql } from './erased.ts'
import type { Need } from './loaded-rows.ts'
import type { ObjectRow } from './objects.ts'

type ObjectNeed = Extract<
  Need,
  { readonly what: 'object' | 'objectsOf' | 'dueObjects' | 'erasedWith' }
>

/** The answer to a need. Their account is locked by now. */
export async function askObjects(
  ask: AskSql,
  schema: string,
  need: ObjectNeed,
): Promise<ObjectRow | number | null | readonly ObjectRow[]> {
  const table = `${schema}.credit_objects`
  switch (need.what) {
    case 'object': {
      const sql = `SELECT * FROM ${table} WHERE account = $1 AND id = $2`
      const [row] = await ask(sql, [need.account, need.id])
      return row === undefined ? null : toObject(row)
    }
    case 'objectsOf': {
      const sql = `SELECT * FROM ${table} WHERE account = $1 AND kind = $2 ORDER BY id`
      return (await ask(sql, [need.account, need.kind])).map(toObject)
    }
    case 'erasedWith': {
      const { unit, stripeAccount, name } = need.of
      const [row] = await ask(erasedSql(need.of, `${schema}.`), [unit, stripeAccount, name])
      return row === undefined ? null : Number(row['id'])
    }
    case 'dueObjects': {
      const sql = `SELECT * FROM ${table} WHERE kind = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3`
      return (await ask(sql, [need.kind, need.now, need.limit])).map(toObject)
    }
  }
}
