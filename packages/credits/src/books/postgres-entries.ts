import type { AskSql } from '@token-meter/core/outbox'
import { toEntry } from './columns.ts'
import type { Need } from './loaded-rows.ts'
import type { EntryRow } from './rows.ts'

/** The answer to a need: of entries, which never change once they are there. */
export async function askEntries(
  ask: AskSql,
  table: string,
  need: Extract<Need, { readonly what: 'entries' | 'entriesOfGrant' }>,
): Promise<readonly EntryRow[]> {
  if (need.what === 'entries') {
    const sql = `SELECT * FROM ${table} WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`
    const before = need.before ?? Number.MAX_SAFE_INTEGER
    return (await ask(sql, [need.account, before, need.limit])).map(toEntry)
  }
  const sql = `SELECT * FROM ${table}
    WHERE account = $1 AND grant_id = $2 AND kind <> 'usage' ORDER BY id`
  return (await ask(sql, [need.account, need.grant])).map(toEntry)
}
