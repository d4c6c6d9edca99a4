import type { Outbox } from '../outbox.ts'
import { AppendQueue, prepareAppend } from './append.ts'
import { prepareClaim } from './claim.ts'
import { prepareDeadLetters } from './dead-letters.ts'
import { prepareLedger } from './ledger.ts'
import { openDatabase } from './open-database.ts'
import { prepareProgress } from './progress.ts'
import { preparePrune } from './prune.ts'
import { prepareSettle } from './settle.ts'
import { sqliteFailure } from './sqlite-failure.ts'

export interface SqliteOutboxOptions {
  /**
   * What a kept record survives: `process` is the end of the process, however sudden; `full` is
   * also the end of the machine, and makes every append wait for the disk. @default 'process'
   */
  readonly durability?: 'process' | 'full'
  /**
   * How long an operation waits for another process that is writing, in ms. This process stands
   * still meanwhile; usage that could not be written after it waits in memory. @default 50
   */
  readonly busyTimeoutMs?: number
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
}

/**
 * An outbox in one file, made where it is missing, for any number of processes of one machine.
 * @throws OutboxError when the file cannot be used.
 */
export function sqliteOutbox(path: string, options: SqliteOutboxOptions = {}): Outbox {
  const { durability = 'process', busyTimeoutMs = 50, now = Date.now } = options
  const database = openDatabase(path, { durability, busyTimeoutMs })
  const queue = new AppendQueue(prepareAppend(database))
  const claim = prepareClaim(database, now)
  const progress = prepareProgress(database, now)
  const prune = preparePrune(database)
  let closed = false

  const operations = {
    claim(sink: string, limit: number, leaseMs: number) {
      queue.tryNow()
      return claim(sink, limit, leaseMs)
    },
    settle: prepareSettle(database, now),
    ...progress,
    position: () =>
      queue.tryNow() ? progress.position() : queue.stored().then(() => progress.position()),
    ...prepareDeadLetters(database),
    ...prepareLedger(database),
  }

  return {
    description: `sqlite ${path}`,
    durable: true,
    append(records) {
      const failed = (error: unknown): never => {
        throw sqliteFailure(error, { action: 'keep usage in', path, records })
      }
      try {
        return queue.append(records)?.catch(failed)
      } catch (error) {
        return failed(error)
      }
    },
    ...explained(operations, path),
    async prune(beforeMs) {
      try {
        return await prune(beforeMs, () => closed)
      } catch (error) {
        throw sqliteFailure(error, { action: 'prune', path })
      }
    },
    close() {
      if (closed) return
      closed = true
      queue.close()
      database.close()
    },
  }
}

/** The same functions, whose errors say what to do. */
function explained<Operations extends object>(operations: Operations, path: string): Operations {
  const wrapped = Object.entries(operations).map(([name, operation]) => [
    name,
    (...parameters: unknown[]): unknown => {
      try {
        return (operation as (...parameters: unknown[]) => unknown)(...parameters)
      } catch (error) {
        throw sqliteFailure(error, { action: 'use', path })
      }
    },
  ])
  return Object.fromEntries(wrapped) as Operations
}
