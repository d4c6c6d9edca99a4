import { environmentLivemode, type ManualUsage, toUsageRecord } from '@token-meter/core/adapter'
import { duplicateIds, isSameUsage } from '@token-meter/core/outbox'
import type { UsageRecord } from '@token-meter/core/wire'
import type { ClientBase } from 'pg'
import type { Database } from '../database.ts'
import { postgresFailure } from '../postgres-failure.ts'
import type { TakenRow } from './append-queue.ts'
import {
  appendStatement,
  appendValues,
  type KeptRow,
  type RecordRow,
  takenRows,
  toRow,
} from './append-statement.ts'

/** Records usage in the caller's own transaction. */
export type RecordIn = (
  client: ClientBase,
  usage: ManualUsage | readonly ManualUsage[],
) => Promise<void>

/** No meter is asked here; what the caller says of one record stands. */
function inMode(record: UsageRecord, livemode: boolean | undefined): UsageRecord {
  return livemode === undefined ? record : { livemode, ...record }
}

export function prepareRecordIn(database: Database): RecordIn {
  const statement = appendStatement(database.schema)
  return async (client, usage) => {
    const given: readonly ManualUsage[] = Array.isArray(usage) ? usage : [usage]
    const livemode = environmentLivemode()
    const records = given.map(toUsageRecord).map((record) => inMode(record, livemode))
    if (records.length === 0) return
    const rows = records.map(toRow)
    let taken: readonly TakenRow<RecordRow>[]
    try {
      await database.preparedFor(client)
      // A tally of its own: the process's would be locked until the caller commits.
      const values = appendValues(rows, crypto.randomUUID())
      const { rows: ids } = await client.query<{ id: string }>(statement, [...values])
      taken = await takenRows(database.schema, rows, ids, async (text, asked) => {
        return (await client.query<KeptRow>(text, [...asked])).rows
      })
    } catch (cause) {
      throw postgresFailure(cause, {
        action: 'keep usage in',
        description: database.description,
        records,
      })
    }
    const others = taken.flatMap(({ row, kept }) => {
      const index = rows.indexOf(row)
      const record = records[index]
      if (record === undefined) return []
      const isSame = isSameUsage({ record, kept }, given[index]?.at !== undefined)
      return isSame ? [] : { record, kept }
    })
    const error = duplicateIds(others, () => false)
    if (error !== undefined) throw error
  }
}
