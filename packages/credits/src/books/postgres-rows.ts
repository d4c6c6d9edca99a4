import type { AskSql } from '@token-meter/core/outbox'
import { CachedRows } from './cached-rows.ts'
import { type Hint, LoadedRows, NeedsRows } from './loaded-rows.ts'
import { PostgresLoader } from './postgres-loader.ts'
import { writeRows } from './postgres-write.ts'

/**
 * Runs an operation in a transaction that is open. Accounts are locked in the order of their ids, and
 * before anything else of theirs is read, so that what is read stays true.
 * @param schema quoted.
 */
export async function runOnPostgres<Value>(
  ask: AskSql,
  schema: string,
  work: (rows: CachedRows) => Value,
  hint: Hint = {},
): Promise<Value> {
  const loaded = new LoadedRows()
  const loader = new PostgresLoader(ask, schema, loaded)
  await loader.loadHinted(hint)
  for (;;) {
    const rows = new CachedRows(loaded)
    try {
      const value = work(rows)
      await writeRows(ask, schema, rows.written())
      return value
    } catch (error) {
      if (!(error instanceof NeedsRows)) throw error
      await loader.load(error.need)
    }
  }
}
