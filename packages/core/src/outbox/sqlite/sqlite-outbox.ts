import type { DatabaseSync } from 'node:sqlite'
import { ConfigError, type OutboxError } from '../../errors/errors.ts'
import {
  checkKeys,
  isFiniteDuration,
  isFunction,
  isOneOf,
  optionCheck,
} from '../../errors/option-check.ts'
import type { AppendOptions, Companion, CompanionStore } from '../companion.ts'
import { Faults } from '../faults.ts'
import { OpenUsage } from '../open-usage.ts'
import type { Outbox } from '../outbox.ts'
import { reviewed } from '../reviewed.ts'
import { duplicateIds } from '../taken-id.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'
import type { RowOptions } from './append.ts'
import { AppendQueue, writeOnExit } from './append-queue.ts'
import { attachedCompanion, type PrepareCompanion } from './companions.ts'
import { fileMark, placeOf } from './file-identity.ts'
import { newLease } from './lease-owner.ts'
import { LiveFile, RecentRows } from './live-file.ts'
import { EarlySinks, type Operations, prepareOperations, unmadeFile } from './operations.ts'
import { sqliteFailure } from './sqlite-failure.ts'

export interface SqliteOutboxOptions {
  /**
   * What a kept record survives.
   * - `process`: the end of the process, however sudden.
   * - `full`: also the end of the machine; every append waits for the disk.
   * - `group`: appends are answered at once and written together, up to `groupMs` later. A process
   *   that is killed loses at most what came within that time, or while another process had the file
   *   locked; one that ends or exits loses nothing. For very many records.
   *
   * @default 'process'
   */
  readonly durability?: 'process' | 'group' | 'full'
  /** For `group`: how long a record may wait in memory, in ms; 1,000 never wait. @default 5 */
  readonly groupMs?: number
  /**
   * How long an operation waits for another process that is writing, in ms. This process stands
   * still meanwhile; usage that could not be written after it waits in memory. @default 50
   */
  readonly busyTimeoutMs?: number
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
}

/**
 * An outbox in one file, made at the first write where it is missing, for any number of processes of
 * one machine. When
 * the file is deleted or replaced, the outbox goes on with the one that is there, or a new one, and
 * reports it.
 * @throws OutboxError when the file cannot be used, or none could be made there; ConfigError for an
 * option that is none. While `next build` looks at an application nothing is opened, and this throws
 * for no file.
 */
export function sqliteOutbox(path: string, options: SqliteOutboxOptions = {}): Outbox {
  checkOptions(options)
  const { durability = 'process', groupMs = 5, busyTimeoutMs = 50, now = Date.now } = options
  const faults = new Faults()
  const companions = [] as PrepareCompanion[]
  const report = (error: OutboxError) => faults.report(error)
  const early = new EarlySinks()
  const unmade = unmadeFile(early)
  const recent: RecentRows = new RecentRows((): unknown => file.get().beat())
  let owner: string | undefined
  const file: LiveFile<Operations> = new LiveFile(
    path,
    { durability, busyTimeoutMs, warn: (error) => faults.report(error) },
    {
      prepare(database, wholePath) {
        const file = { path, place: placeOf(wholePath), mark: fileMark(wholePath) }
        owner ??= newLease()
        const options = { ...file, now, found: report, companions, owner }
        const operations = prepareOperations(database, options)
        return early.writeTo(recent.writeTo(operations))
      },
      isSame: () => recent.forget(),
      replaced: report,
    },
  )
  const queue = new AppendQueue({
    write(rows) {
      try {
        const taken = file.cached().write(rows)
        const others = new Set(taken.map(({ row }) => row))
        recent.add(others.size === 0 ? rows : rows.filter((row) => !others.has(row)))
        return taken
      } catch (cause) {
        file.invalidate()
        throw cause
      }
    },
    groupMs: durability === 'group' ? groupMs : undefined,
    taken: (taken) => {
      const error = duplicateIds(taken)
      if (error !== undefined) faults.report(error)
    },
    lost: (cause, records) =>
      faults.report(sqliteFailure(cause, { action: 'keep usage in', path, records })),
  })
  const takeOver = (when: 'now' | 'sometimes'): void => {
    try {
      if (!closed) file.get().openUsage.takeOver(when)
    } catch {
      // A claim tries it again, or says what is wrong.
    }
  }
  const open = new OpenUsage({
    keep(rows, ended) {
      try {
        file.cached().openUsage.keep(rows, ended)
      } catch (cause) {
        file.invalidate()
        throw sqliteFailure(cause, { action: 'keep open usage in', path })
      }
      takeOver('sometimes')
    },
  })
  const release = durability === 'group' ? writeOnExit(() => queue.tryNow()) : () => {}
  const whenClosed: (() => void)[] = []
  let closed = false

  /** Whoever asks sees what came before; and an error says what to do. */
  const operation = <Name extends Exclude<keyof Operations, 'companions' | 'openUsage'>>(
    name: Name,
  ): Operations[Name] => {
    const explain = (error: unknown): never => {
      if (error instanceof ConfigError) throw error
      throw sqliteFailure(error, { action: name === 'prune' ? 'prune' : 'use', path })
    }
    const run = (...parameters: unknown[]): unknown => {
      try {
        if (name === 'claim') queue.tryNow()
        else queue.writeGroup()
        const ofUnmade = file.isUnmade ? unmade[name] : undefined
        if (ofUnmade !== undefined) return (ofUnmade as typeof run)(...parameters)
        const act = file.get()[name] as (...parameters: unknown[]) => unknown
        const answer = act(...parameters)
        return answer instanceof Promise ? answer.catch(explain) : answer
      } catch (error) {
        return explain(error)
      }
    }
    return run as Operations[Name]
  }
  const position = operation('position')

  /** What is open here is a record now: nobody else knows that this outbox is closed. */
  const handOver = (): void => {
    try {
      void open.flush()
      file.get().openUsage.handOver()
    } catch {
      // It is taken over when the process has ended.
    }
  }

  const outbox: Outbox = {
    description: `sqlite ${path}`,
    durable: true,
    store: {
      kind: 'sqlite',
      attach(prepare) {
        let made: Companion | undefined
        const prepared: typeof prepare = (database) => {
          const part = prepare(database)
          made = part
          return part
        }
        companions.push(prepared)
        whenClosed.push(() => made?.closed?.())
        return attachedCompanion(prepared, () => file.cached().companions, path)
      },
    } satisfies CompanionStore<DatabaseSync>,
    prepare() {
      if (!file.isUnmade) takeOver('now')
    },
    open: (records, options) => open.open(records, options),
    append(records, options = {}) {
      const failed = (error: unknown): never => {
        throw sqliteFailure(error, { action: 'keep usage in', path, records })
      }
      try {
        if (closed) file.get()
        const appended = queue.append(records, rowOptions(open, records, options))
        return appended instanceof Promise ? appended.catch(failed) : appended
      } catch (error) {
        return failed(error)
      }
    },
    claim: operation('claim'),
    mark: operation('mark'),
    settle: operation('settle'),
    position: () => (queue.tryNow() ? position() : queue.stored().then(() => position())),
    isSettled: operation('isSettled'),
    nextDueAt: operation('nextDueAt'),
    expedite: operation('expedite'),
    stats: operation('stats'),
    recorded: operation('recorded'),
    restored: operation('restored'),
    deadLetters: operation('deadLetters'),
    requeue: operation('requeue'),
    discard: operation('discard'),
    unattributed: operation('unattributed'),
    attribute: operation('attribute'),
    statesOf: operation('statesOf'),
    find: operation('find'),
    ledger: operation('ledger'),
    correct: operation('correct'),
    registerSink: operation('registerSink'),
    sinks: operation('sinks'),
    attend: operation('attend'),
    leave: operation('leave'),
    rename: operation('rename'),
    release: operation('release'),
    drop: operation('drop'),
    removeSink: operation('removeSink'),
    distrust: operation('distrust'),
    prune: operation('prune'),
    onFault: (listener) => faults.listen(listener),
    close() {
      if (closed) return
      closed = true
      open.close()
      if (open.isAny) handOver()
      for (const tell of whenClosed) tell()
      release()
      queue.close()
      recent.close()
      file.close()
    },
  }

  return Object.assign(outbox, reviewed(outbox))
}

/** With which open usage an append ends, which is mostly none. */
function rowOptions(
  open: OpenUsage,
  records: readonly UsageRecord[],
  { holdIds, ends }: AppendOptions,
): RowOptions {
  const ended = open.isAny ? open.ending([...records.map(({ id }) => id), ...(ends ?? [])]) : []
  return { ...(holdIds && { holdIds }), ...(ended.length > 0 && { ends: ended }) }
}

const check = optionCheck('sqliteOutbox')

const known: Readonly<Record<keyof SqliteOutboxOptions, true>> = {
  durability: true,
  groupMs: true,
  busyTimeoutMs: true,
  now: true,
}

function checkOptions(options: SqliteOutboxOptions): void {
  checkKeys<SqliteOutboxOptions>('sqliteOutbox', options, known)
  const { durability = 'process', groupMs = 5, busyTimeoutMs = 50, now = Date.now } = options
  const ways = isOneOf('process', 'group', 'full')
  check('durability', durability, '"process", "group" or "full"', ways)
  const isGroupTime = (value: unknown) => isFiniteDuration(value) && (value as number) <= 1000
  check('groupMs', groupMs, 'a number of ms from 0 to 1000', isGroupTime)
  check('busyTimeoutMs', busyTimeoutMs, 'a number of ms from 0 up', isFiniteDuration)
  check('now', now, 'a function', isFunction)
}
