import { type ManualUsage, toUsageRecord } from '@token-meter/core/adapter'
import type { ClientBase } from 'pg'
import type { Database } from '../database.ts'
import { postgresFailure } from '../postgres-failure.ts'
import { appendStatement, appendValues, toRow } from './append-statement.ts'

/** Records usage in the caller's own transaction. */
export type RecordIn = (
  client: ClientBase,
  usage: ManualUsage | readonly ManualUsage[],
) => Promise<void>

export function prepareRecordIn(database: Database): RecordIn {
  const statement = appendStatement(database.schema)
  return async (client, usage) => {
    const given: readonly ManualUsage[] = Array.isArray(usage) ? usage : [usage]
    const records = given.map(toUsageRecord)
    if (records.length === 0) return
    try {
      await database.preparedFor(client)
      // A tally of its own: the process's would be locked until the caller commits.
      await client.query(statement, [...appendValues(records.map(toRow), crypto.randomUUID())])
    } catch (cause) {
      throw postgresFailure(cause, {
        action: 'keep usage in',
        description: database.description,
        records,
      })
    }
  }
}
