import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Columns } from './columns.ts'

/** The statements of one file, each prepared when it is first used. */
export class SqliteStatements {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  get(sql: string, ...values: SQLInputValue[]): Columns | undefined {
    return this.#prepared(sql).get(...values) as Columns | undefined
  }

  all(sql: string, ...values: SQLInputValue[]): readonly Columns[] {
    return this.#prepared(sql).all(...values) as unknown as readonly Columns[]
  }

  /** Returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes)
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      // Amounts are larger than a number is exact.
      statement.setReadBigInts(true)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
