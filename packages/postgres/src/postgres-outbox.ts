import {
  ConfigError,
  Faults,
  type Outbox,
  OutboxError,
  type UsageRecord,
} from '@token-meter/core/adapter'
import { AppendQueue } from './append/append-queue.ts'
import { appendStatement, appendValues, type RecordRow, toRow } from './append/append-statement.ts'
import { prepareRecordIn, type RecordIn } from './append/record-in.ts'
import { atMost } from './at-most.ts'
import { prepareClaim } from './claim/claim.ts'
import { Database } from './database.ts'
import { prepareHeartbeat } from './identity/heartbeat.ts'
import { prepareCorrect } from './ledger/correct.ts'
import { prepareDeadLetters } from './ledger/dead-letters.ts'
import { prepareLedgerPage } from './ledger/ledger-page.ts'
import { preparePrune } from './ledger/prune.ts'
import { prepareRecords } from './ledger/records.ts'
import { isAboutTheValues, isPassing, postgresFailure } from './postgres-failure.ts'
import type { PostgresConnection, PostgresOutboxOptions } from './postgres-options.ts'
import { prepareKnownSinks } from './progress/known-sinks.ts'
import { prepareProgress } from './progress/progress.ts'
import { prepareSettle } from './settle.ts'

export interface PostgresOutbox extends Outbox {
  append(records: readonly UsageRecord[]): Promise<void>
  /**
   * Records usage in a transaction of the caller's, on the caller's connection: it is kept when the
   * transaction commits, and never if it does not. Delivery finds it at its next look, a second
   * later at most.
   *
   * @param client connected to the outbox's database, in a transaction.
   * @throws what `meter.record()` throws for wrong usage; OutboxError when the database refused it,
   *   which ends the transaction.
   */
  readonly recordIn: RecordIn
}

/** How long `close` waits for connections that are in use, in ms. */
const closeMs = 3_000

/**
 * An outbox in a Postgres database, for any number of processes on any number of machines. It
 * connects when a meter is made with it, or when it is first used: a database that is away delays usage and loses none, as long as
 * the process lives.
 * @throws ConfigError for wrong options or an unreadable connection string.
 */
export function postgresOutbox(
  connection: PostgresConnection,
  options: PostgresOutboxOptions = {},
): PostgresOutbox {
  const database = new Database(connection, options)
  const { description } = database
  const origin = crypto.randomUUID()
  const statement = appendStatement(database.schema)
  const queue = new AppendQueue<RecordRow>({
    store: async (rows) => void (await database.query(statement, appendValues(rows, origin))),
    isPassing,
    isAboutTheValues,
    sizeOf: ({ body }) => body.length,
  })
  const faults = new Faults()
  const heartbeat = prepareHeartbeat(database, (error) => faults.report(error))
  const progress = prepareProgress(database)
  const prune = preparePrune(database)
  let closing: Promise<void> | undefined

  const operations = {
    claim: prepareClaim(database, heartbeat),
    settle: prepareSettle(database),
    ...progress,
    async position() {
      await queue.stored()
      return await progress.position()
    },
    ...prepareDeadLetters(database),
    ...prepareRecords(database),
    ledger: prepareLedgerPage(database),
    correct: prepareCorrect(database),
    ...prepareKnownSinks(database),
    distrust: heartbeat.distrust,
    prune: (beforeMs: number) => prune(beforeMs, () => closing !== undefined),
  }

  return {
    description,
    durable: true,
    async open() {
      await database.query('SELECT 1')
    },
    async append(records: readonly UsageRecord[]) {
      try {
        await queue.append(records.map(toRow))
      } catch (cause) {
        throw postgresFailure(cause, { action: 'keep usage in', description, records })
      }
    },
    recordIn: prepareRecordIn(database),
    onFault: (listener) => faults.listen(listener),
    ...explained(operations, description, () => closing !== undefined),
    close() {
      closing ??= queue.close().then(() => atMost(closeMs, database.close()))
      return closing
    },
  }
}

/** The same functions, whose errors say what to do. */
function explained<Operations extends object>(
  operations: Operations,
  description: string,
  isClosed: () => boolean,
): Operations {
  const wrapped = Object.entries(operations).map(([name, operation]) => [
    name,
    async (...parameters: unknown[]): Promise<unknown> => {
      if (isClosed()) {
        throw new OutboxError(
          `Cannot use the outbox ${description}: it is closed. Close the meter after the last call.`,
        )
      }
      try {
        return await (operation as (...parameters: unknown[]) => unknown)(...parameters)
      } catch (cause) {
        if (cause instanceof ConfigError) throw cause
        throw postgresFailure(cause, { action: 'use', description })
      }
    },
  ])
  return Object.fromEntries(wrapped) as Operations
}
