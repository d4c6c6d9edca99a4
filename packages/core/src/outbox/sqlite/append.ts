import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { UsageRecord } from '../../usage/usage-record.ts'
import { toBody } from '../record-body.ts'
import { inTransaction } from './node-sqlite.ts'
import { isConstraintFailure } from './sqlite-failure.ts'

/** A record as it is written. */
export interface RecordRow {
  readonly id: string
  readonly customer: string | null
  readonly at: number
  readonly body: string
  readonly record: UsageRecord
  readonly holdIds: readonly string[]
  /** What was open is gone with it. */
  readonly ends: readonly string[]
}

/** What a row is written with. */
export type RowOptions = Partial<Pick<RecordRow, 'holdIds' | 'ends'>>

export function toRow(
  record: UsageRecord,
  { holdIds = none, ends = none }: RowOptions = {},
): RecordRow {
  const { id, customer, at } = record
  return { id, customer, at, body: toBody(record), record, holdIds, ends }
}

const none: readonly string[] = []

/** A row that was left out because its id is taken, and what has it. */
export interface TakenRow {
  readonly row: RecordRow
  readonly kept: Pick<RecordRow, 'body' | 'customer'>
}

/** Rows that one statement writes where there are so many: more make it no faster. */
const rowsAtOnce = 16

const noRows: readonly TakenRow[] = []

/** What is written together with rows that were added. */
export interface WithAppended {
  isNeeded(): boolean
  appended(rows: readonly RecordRow[]): void
  /** What `appended` has thrown: the rows are written without it. */
  failed(cause: unknown): void
}

/** Writes rows together or not at all, and returns those that it left out because they are there. */
export function prepareAppend(
  database: DatabaseSync,
  withAppended?: WithAppended,
): (rows: readonly RecordRow[]) => readonly TakenRow[] {
  // A record that is there is rare, so it may fail: that leaves `seq` without a gap, and undoes this
  // statement only. INSERT OR IGNORE would use up a number for every record it leaves out.
  const insert = (count: number) =>
    database.prepare(
      `INSERT INTO records (id, customer, at, body) VALUES ${Array(count).fill('(?, ?, ?, ?)').join()}`,
    )
  const insertOne = insert(1)
  const insertSome = insert(rowsAtOnce)
  // `?` or `:name`, here and elsewhere, because Node 22.13 cannot bind `?1`.
  const insertMissing = database.prepare(
    `INSERT INTO records (id, customer, at, body)
     SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?)`,
  )

  let end: StatementSync | undefined
  const endOpen = (rows: readonly RecordRow[]): void => {
    for (const { ends } of rows) {
      for (const id of ends) {
        end ??= database.prepare('DELETE FROM open_usage WHERE id = ?')
        end.run(id)
      }
    }
  }

  const whatIsThere = database.prepare('SELECT body, customer FROM records WHERE id = ?')

  const addOne = (row: RecordRow): readonly TakenRow[] => {
    const { id, customer, at, body } = row
    try {
      insertOne.run(id, customer, at, body)
    } catch (error) {
      if (!isConstraintFailure(error)) throw error
      if (insertMissing.run(id, customer, at, body, id).changes === 0) {
        return [{ row, kept: whatIsThere.get(id) as unknown as TakenRow['kept'] }]
      }
    }
    return noRows
  }
  const addSome = (rows: readonly RecordRow[]): readonly TakenRow[] => {
    const values: (string | number | null)[] = []
    for (const { id, customer, at, body } of rows) values.push(id, customer, at, body)
    try {
      insertSome.run(...values)
      return noRows
    } catch (error) {
      if (!isConstraintFailure(error)) throw error
      return rows.flatMap(addOne)
    }
  }
  const addAll = (rows: readonly RecordRow[]): readonly TakenRow[] => {
    endOpen(rows)
    const taken: TakenRow[] = []
    let from = 0
    for (; from + rowsAtOnce <= rows.length; from += rowsAtOnce) {
      taken.push(...addSome(rows.slice(from, from + rowsAtOnce)))
    }
    for (const row of rows.slice(from)) taken.push(...addOne(row))
    return taken
  }

  return (rows) => {
    const [first] = rows
    if (first === undefined) return noRows
    if (withAppended?.isNeeded() === true) {
      let isAdded = false
      try {
        return inTransaction(database, () => {
          const taken = addAll(rows)
          const left = new Set(taken.map(({ row }) => row))
          isAdded = true
          withAppended.appended(left.size === 0 ? rows : rows.filter((row) => !left.has(row)))
          isAdded = false
          return taken
        })
      } catch (cause) {
        if (!isAdded) throw cause
        // All of it was undone, which is rare: a savepoint would copy each page that is written, always.
        withAppended.failed(cause)
        return inTransaction(database, () => addAll(rows))
      }
    }
    // One statement is a transaction already, and where its id is taken nothing is written.
    const isOne = rows.length === 1 && first.ends.length === 0
    return isOne ? addOne(first) : inTransaction(database, () => addAll(rows))
  }
}
