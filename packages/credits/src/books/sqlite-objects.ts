import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { type Columns, toObject } from './columns.ts'
import { erasedSql } from './erased.ts'
import type { ErasedWith, ObjectKind, ObjectRow, ObjectRows } from './objects.ts'

/** They are asked for seldom: by webhooks, and where a period begins. */
export class SqliteObjects implements ObjectRows {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  get(account: number, id: string): ObjectRow | undefined {
    const [found] = this.#all(
      'SELECT * FROM credit_objects WHERE account = ? AND id = ?',
      account,
      id,
    )
    return found
  }

  of(account: number, kind: ObjectKind): readonly ObjectRow[] {
    const sql = 'SELECT * FROM credit_objects WHERE account = ? AND kind = ? ORDER BY id'
    return this.#all(sql, account, kind)
  }

  due(kind: ObjectKind, now: number, limit: number): readonly ObjectRow[] {
    const sql = `SELECT * FROM credit_objects WHERE kind = ? AND due_at <= ? ORDER BY due_at LIMIT ?`
    return this.#all(sql, kind, now, limit)
  }

  erasedWith(of: ErasedWith): number | undefined {
    const { unit, stripeAccount, name } = of
    const sql = erasedSql(of, '').replaceAll('$', '?')
    const found = this.#prepared(sql).get(unit, stripeAccount, name)
    return found && Number(found['id'])
  }

  save({ account, id, kind, state, version, dueAt, at }: ObjectRow): void {
    const sql = `INSERT INTO credit_objects (account, id, kind, state, version, due_at, at)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (account, id) DO UPDATE
      SET state = excluded.state, version = excluded.version, due_at = excluded.due_at, at = excluded.at`
    this.#prepared(sql).run(account, id, kind, JSON.stringify(state), version, dueAt, at)
  }

  #all(sql: string, ...values: SQLInputValue[]): readonly ObjectRow[] {
    return (this.#prepared(sql).all(...values) as unknown as readonly Columns[]).map(toObject)
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
