import {
  companionFailure,
  fromBody,
  inAppends,
  OutboxError,
  type SqlCompanion,
  type SqlCompanionStore,
  type UsageRecord,
} from '@token-meter/core/outbox'
import type { RecordRow } from './append/append.ts'
import type { TakenRow } from './append/waiting-rows.ts'
import type { Ask, Database } from './database.ts'
import { postgresFailure } from './failure.ts'

/** How often a transaction begins again that another one has got in the way of. */
const maxTries = 5
/** A key that another transaction wrote meanwhile, a deadlock, what cannot be put in order. */
const inTheWay = new Set(['23505', '40P01', '40001'])

/** What is kept beside the records, in the same transaction. */
export class Companions {
  readonly #database: Database
  readonly #report: (error: OutboxError) => void
  readonly #attached: SqlCompanion[] = []
  readonly #prepared = new Set<SqlCompanion>()

  constructor(database: Database, report: (error: OutboxError) => void) {
    this.#database = database
    this.#report = report
  }

  get isEmpty(): boolean {
    return this.#attached.length === 0
  }

  attach(companion: SqlCompanion): ReturnType<SqlCompanionStore['attach']> {
    this.#attached.push(companion)
    const { schema, description } = this.#database
    return {
      transaction: async (work) => {
        try {
          await this.#prepare(companion)
          return await this.#again(() => this.#database.transaction((ask) => work(ask, schema)))
        } catch (cause) {
          const { code } = cause as { code?: unknown }
          if (typeof code !== 'string' || !/^[0-9A-Z]{5}$|^E[A-Z]+$/.test(code)) throw cause
          throw postgresFailure(cause, { action: 'use', description })
        }
      },
    }
  }

  /** Nothing can be asked any more. */
  closed(): void {
    for (const companion of this.#attached) companion.closed?.()
  }

  /** Stores rows, and with them what the companions make of those that are new. */
  async store(
    rows: readonly RecordRow[],
    storeBy: (ask: Ask) => Promise<readonly TakenRow<RecordRow>[]>,
  ): Promise<readonly TakenRow<RecordRow>[]> {
    for (const companion of this.#attached) await this.#prepare(companion)
    const committed: (() => void)[] = []
    const stored = await this.#database.transaction(async (ask) => {
      const taken = await storeBy(ask)
      const left = new Set(taken.map(({ row }) => row))
      const added = rows.filter((row) => !left.has(row))
      if (added.length === 0) return taken
      await ask('SAVEPOINT companions')
      try {
        await this.#again(async (isAgain) => {
          committed.length = 0
          if (isAgain) await ask('ROLLBACK TO companions')
          for (const companion of this.#attached) {
            committed.push(
              await companion.appended(ask, this.#database.schema, inAppends(added, recordOf)),
            )
          }
        })
      } catch (cause) {
        committed.length = 0
        await ask('ROLLBACK TO companions')
        this.#report(companionFailure(cause))
      }
      await ask('RELEASE companions')
      return taken
    })
    for (const tell of committed) tell()
    return stored
  }

  async #again<Value>(work: (isAgain: boolean) => Promise<Value>): Promise<Value> {
    for (let tries = 1; ; tries++) {
      try {
        return await work(tries > 1)
      } catch (cause) {
        const { code } = cause as { code?: string }
        if (tries >= maxTries || code === undefined || !inTheWay.has(code)) throw cause
      }
    }
  }

  async #prepare(companion: SqlCompanion): Promise<void> {
    if (this.#prepared.has(companion)) return
    const { schema, locks } = this.#database
    const { name, version } = companion
    const table = `${schema}.companions`
    await this.#database.transaction(async (ask) => {
      const found = async () => {
        const [row] = await ask<{ version: number }>(
          `SELECT version FROM ${table} WHERE name = $1`,
          [name],
        )
        return row?.version ?? 0
      }
      if ((await found()) === version) return
      await ask(locks.everySink())
      // Another process may have been first.
      const from = await found()
      if (from > version) {
        throw new OutboxError(
          `a newer version of ${name} made its tables (${from}, this one knows ${version}): update it in this process`,
        )
      }
      for (const statement of companion.migrations(schema, from)) await ask(statement)
      await ask(
        `INSERT INTO ${table} (name, version) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET version = excluded.version`,
        [name, version],
      )
    })
    this.#prepared.add(companion)
  }
}

function recordOf({ body, customer }: RecordRow): UsageRecord {
  return fromBody(body, customer)
}
