import { isRequestBound } from '@token-meter/core/adapter'
import {
  type AppendOptions,
  ConfigError,
  Faults,
  OpenUsage,
  type Outbox,
  OutboxError,
  type TakenId,
  duplicateIds,
  fromBody,
  reviewed,
  settledWithin,
} from '@token-meter/core/outbox'
import { isMissingInBuild } from '@token-meter/core/sink'
import type { UsageRecord } from '@token-meter/core/wire'
import { AppendQueue } from './append/append-queue.ts'
import { prepareOpenUsage } from './append/open-usage-rows.ts'
import {
  type KeptRow,
  type RecordIn,
  type RecordRow,
  appendStatement,
  appendValues,
  prepareRecordIn,
  takenRows,
  toRow,
} from './append/append.ts'
import type { TakenRow } from './append/waiting-rows.ts'
import { prepareClaim } from './claim.ts'
import { Companions } from './companions.ts'
import { type Ask, Database } from './database.ts'
import { prepareCorrect, prepareDeadLetters } from './dead-letters.ts'
import { isAboutTheValues, isPassing, postgresFailure } from './failure.ts'
import { prepareHeartbeat } from './heartbeat.ts'
import { prepareHeldUsage, prepareRename } from './held-usage.ts'
import { prepareLedgerPage, preparePrune, prepareRecords } from './ledger.ts'
import type { PostgresConnection, PostgresOutboxOptions } from './postgres-options.ts'
import { prepareProgress } from './progress.ts'
import { prepareMark, prepareSettle } from './settle.ts'
import { prepareKnownSinks, prepareSinkUsers } from './sinks.ts'
import { SpoolFolder, spoolIdentity } from './spool/spool-folder.ts'
import { Spool, type SpoolStore } from './spool/spool.ts'

export interface PostgresOutbox extends Outbox {
  append(records: readonly UsageRecord[], options?: AppendOptions): Promise<readonly TakenId[]>
  /**
   * Records usage in a transaction of the caller's, on the caller's connection: it is kept when the
   * transaction commits, and never if it does not. Delivery finds it at its next look, a second
   * later at most.
   *
   * @param client connected to the outbox's database, in a transaction.
   * @throws what `meter.record()` throws for wrong usage; OutboxError when the database refused it,
   *   which ends the transaction; DuplicateIdError for an id that has other usage.
   */
  readonly recordIn: RecordIn
}

/** How long `close` waits for connections that are in use, in ms. */
const closeMs = 3_000
const defaultSpoolFolder = '.token-meter/spool'

/**
 * An outbox in a Postgres database, for any number of processes on any number of machines. It
 * connects when a meter is made with it, or when it is first used: a database that is slow or away
 * delays usage and loses none. What it does not have yet is in a file of this machine
 * (`spoolFolder`), which outlives the process.
 * @throws ConfigError for wrong options or an unreadable connection string; while `next build` looks at
 * an application, a missing one is none of that.
 */
export function postgresOutbox(
  connection: PostgresConnection,
  options: PostgresOutboxOptions = {},
): PostgresOutbox {
  const database = new Database(inBuild(connection), options)
  const { description } = database
  const origin = crypto.randomUUID()
  const statement = appendStatement(database.schema)
  const faults = new Faults()
  const companions = new Companions(database, (error) => faults.report(error))
  const explain = (action: string, cause: unknown, records: readonly UsageRecord[] = []) =>
    postgresFailure(cause, { action, description, records })

  /** One after the other: two that write the same records could wait for each other. */
  let storing: Promise<unknown> = Promise.resolve()
  const store = (rows: readonly RecordRow[]): Promise<readonly TakenRow<RecordRow>[]> => {
    const stored = storing.then(async () => {
      const storeBy = async (ask: Ask) => {
        const ids = await ask<{ id: string }>(statement, appendValues(rows, origin))
        return await takenRows(database.schema, rows, ids, (text, values) =>
          ask<KeptRow>(text, values),
        )
      }
      return companions.isEmpty
        ? await storeBy((text, values) => database.query(text, values))
        : await companions.store(rows, storeBy)
    })
    storing = stored.catch(() => {})
    return stored
  }
  const spool = spoolOf(database, options, faults, {
    store: async (rows) => {
      const taken = await store(rows)
      queue.back()
      const records = taken.map(({ row, kept }) => ({
        record: fromBody(row.body, row.customer),
        kept,
      }))
      const others = duplicateIds(records)
      if (others !== undefined) faults.report(others)
    },
    isPassing,
    isAboutTheValues,
    explain: (cause, records) => explain('keep usage in', cause, records),
  })
  const queue = new AppendQueue<RecordRow>({
    store,
    isPassing,
    isAboutTheValues,
    sizeOf: ({ body }) => body.length,
    ...(spool !== undefined && { keepElsewhere: (rows) => spool.keep(rows) }),
  })
  const openRows = prepareOpenUsage(database, store)
  const open = new OpenUsage({
    async keep(rows, ended) {
      try {
        await openRows.keep(rows, ended)
      } catch (cause) {
        throw explain('keep open usage in', cause)
      }
    },
  })
  const heartbeat = prepareHeartbeat(database, (error) => faults.report(error))
  const progress = prepareProgress(database, async () => (await spool?.rows()) ?? [])
  const prune = preparePrune(database)
  let closing: Promise<void> | undefined

  const claim = prepareClaim(database, heartbeat)
  const operations = {
    async claim(...claiming: Parameters<typeof claim>) {
      await openRows.takeOver()
      return await claim(...claiming)
    },
    mark: prepareMark(database),
    settle: prepareSettle(database),
    ...progress,
    async position() {
      await queue.stored()
      await spool?.drained()
      return await progress.position()
    },
    ...prepareDeadLetters(database),
    ...prepareRecords(database),
    ledger: prepareLedgerPage(database),
    correct: prepareCorrect(database),
    ...prepareKnownSinks(database),
    async distrust(sinceMs: number | undefined) {
      // What the original had open it has recorded, too: it is as uncertain as what waits.
      await openRows.takeOver('copied')
      return await heartbeat.distrust(sinceMs)
    },
    ...prepareSinkUsers(database, origin),
    ...prepareHeldUsage(database),
    rename: prepareRename(database),
    prune: (beforeMs: number) => prune(beforeMs, () => closing !== undefined),
  }
  /** What is open here is a record now: nobody else knows that this outbox is closed. */
  const handOver = async (): Promise<void> => {
    const handing = Promise.resolve(open.flush()).then(() => openRows.handOver())
    // It is taken over when the process has ended.
    await settledWithin(closeMs, handing)
  }
  const allOperations = { ...operations, ...reviewed(operations) }

  return {
    description,
    durable: true,
    async prepare() {
      void spool?.begin()
      await openRows.takeOver('now')
    },
    async open(records, openOptions) {
      await open.open(records, openOptions)
      // What goes wrong with it a claim says.
      await openRows.takeOver().catch(() => {})
    },
    store: { kind: 'postgres', attach: (companion) => companions.attach(companion) },
    async append(records: readonly UsageRecord[], { holdIds, ends = [] } = {}) {
      void spool?.begin()
      if (records.some(({ id }) => typeof id !== 'string')) {
        throw explain('keep usage in', new TypeError('a record has no id'), records)
      }
      const ended = open.ending([...records.map(({ id }) => id), ...ends])
      const rowOptions = { ...(holdIds && { holdIds }), ...(ended.length > 0 && { ends: ended }) }
      const rows = records.map((record) => toRow(record, rowOptions))
      try {
        const taken = await queue.append(rows)
        return taken.flatMap(({ row, kept }) => {
          const record = records[rows.indexOf(row)]
          return record === undefined ? [] : { record, kept }
        })
      } catch (cause) {
        throw explain('keep usage in', cause, records)
      }
    },
    recordIn: prepareRecordIn(database),
    ...explained(
      allOperations,
      async () => {
        if (closing !== undefined) {
          throw new OutboxError(
            `Cannot use the outbox ${description}: it is closed. Close the meter after the last call.`,
          )
        }
        // What was answered as kept is there for all that comes after, in the next process too.
        await spool?.begin()
        await spool?.tried()
      },
      (cause) => explain('use', cause),
    ),
    waiting: () => queue.waiting + (spool?.waiting ?? 0),
    saveNow: () => queue.keepElsewhere('always'),
    onFault: (listener) => faults.listen(listener),
    close() {
      if (closing === undefined) companions.closed()
      open.close()
      closing ??= (open.isAny ? handOver().then(() => queue.close()) : queue.close())
        .then(() => spool?.close())
        .then(async () => void (await settledWithin(closeMs, database.close())))
      return closing
    },
  }
}

/** Nothing on Cloudflare Workers, whose files end with the request. */
function spoolOf(
  { place, schemaName }: Database,
  { spoolFolder = defaultSpoolFolder }: PostgresOutboxOptions,
  faults: Faults,
  store: SpoolStore,
): Spool | undefined {
  if (isRequestBound()) return undefined
  const { host, port, database = '' } = place
  const identity = spoolIdentity(host, port, database, schemaName)
  return new Spool(new SpoolFolder(spoolFolder, identity), store, faults)
}

/** While `next build` looks at an application there need be no URL; nothing connects to this one. */
function inBuild(connection: PostgresConnection): PostgresConnection {
  const { connectionString, pool } = connection ?? {}
  const isMissing = pool === undefined && isMissingInBuild(connectionString)
  return isMissing ? { connectionString: 'postgres://next-build.invalid/none' } : connection
}

/** The same functions, whose errors say what to do. */
function explained<Operations extends object>(
  operations: Operations,
  prepare: () => Promise<void>,
  explain: (cause: unknown) => OutboxError,
): Operations {
  const wrapped = Object.entries(operations).map(([name, operation]) => [
    name,
    async (...parameters: unknown[]): Promise<unknown> => {
      await prepare()
      try {
        return await (operation as (...parameters: unknown[]) => unknown)(...parameters)
      } catch (cause) {
        if (cause instanceof ConfigError) throw cause
        throw explain(cause)
      }
    },
  ])
  return Object.fromEntries(wrapped) as Operations
}
