import type { DatabaseSync } from 'node:sqlite'
import type { KnownSink } from '../known-sinks.ts'
import type { Outbox } from '../outbox.ts'
import { distrustedSince } from '../rules.ts'
import { prepareAppend, type RecordRow, type TakenRow } from './append.ts'
import { type OpenCompanions, openCompanions, type PrepareCompanion } from './companions.ts'
import { prepareClaim } from './claim.ts'
import { prepareCorrect, prepareDeadLetters } from './dead-letters.ts'
import { type HeartbeatOptions, prepareHeartbeat } from './heartbeat.ts'
import { prepareHeldUsage, prepareRename } from './held-usage.ts'
import { prepareLedger, prepareLedgerPage, preparePrune } from './ledger.ts'
import { type OpenUsageRows, prepareOpenUsage } from './open-usage-rows.ts'
import { prepareProgress } from './progress.ts'
import { prepareSettle } from './settle.ts'
import { prepareKnownSinks, prepareSinkUsers } from './sinks.ts'

/** What the outbox does without a file. */
type Apart =
  | 'description'
  | 'durable'
  | 'store'
  | 'append'
  | 'waiting'
  | 'saveNow'
  | 'prepare'
  | 'open'
  | 'onFault'
  | 'close'

/** Everything that is done with a file. */
export interface Operations extends Omit<Outbox, Apart> {
  readonly companions: OpenCompanions
  /** Writes rows together or not at all. Returns those that it left out, because they are there. */
  write(rows: readonly RecordRow[]): readonly TakenRow[]
  /** What is open, of this process and of others. */
  readonly openUsage: OpenUsageRows
  /** Makes a sink known that begins with everything kept. */
  meet(sink: string): void
  /** A sign of life, where it is time for one. */
  beat(): void
}

export function prepareOperations(
  database: DatabaseSync,
  options: HeartbeatOptions & {
    readonly companions?: readonly PrepareCompanion[]
    /** Whose open usage is kept here. */
    readonly owner: string
  },
): Operations {
  const { now } = options
  const companions = openCompanions(database, options.companions ?? [], options.found)
  const write = prepareAppend(database, companions)
  const openUsage = prepareOpenUsage(database, { owner: options.owner, write, now })
  // The original has recorded what it had open, too: in a copy it is as uncertain as what waits.
  const copied = (): void => openUsage.takeOver('copied')
  const heartbeat = prepareHeartbeat(database, { ...options, copied })
  const claim = prepareClaim(database, now, heartbeat)
  return {
    companions,
    write,
    openUsage,
    claim(...claiming) {
      openUsage.takeOver()
      return claim(...claiming)
    },
    ...prepareSettle(database, now),
    ...prepareProgress(database, now),
    ...prepareDeadLetters(database),
    ...prepareLedger(database),
    ledger: prepareLedgerPage(database),
    correct: prepareCorrect(database, now),
    ...prepareKnownSinks(database),
    distrust(sinceMs) {
      copied()
      return heartbeat.distrust(sinceMs)
    },
    beat: heartbeat.beat,
    ...prepareSinkUsers(database, now),
    ...prepareHeldUsage(database),
    rename: prepareRename(database),
    prune: preparePrune(database),
  }
}

/** The sinks that came to claim before there was a file: it will know them from its beginning. */
export class EarlySinks {
  /** By name, with what was said of those that are in use. */
  readonly modes = new Map<string, Pick<KnownSink, 'mode' | 'value'>>()

  meet(name: string): void {
    if (!this.modes.has(name)) this.modes.set(name, {})
  }

  /** Into a file that was opened. */
  writeTo<File extends Pick<Operations, 'meet' | 'attend'>>(file: File): File {
    for (const [name, { mode, value }] of this.modes) {
      file.meet(name)
      if (mode !== undefined) file.attend(name, mode, value)
    }
    this.modes.clear()
    return file
  }
}

/**
 * What is answered of a file that nothing was ever written to, without making one; `undefined` for
 * what makes it.
 */
export function unmadeFile(early: EarlySinks): {
  readonly [Name in Exclude<keyof Operations, 'companions' | 'openUsage'>]:
    | Operations[Name]
    | undefined
} {
  const { modes } = early
  const noEntries = { entries: [] }
  const nothing = {
    recorded: 0,
    pending: 0,
    delivered: 0,
    dead: 0,
    unattributed: 0,
    discarded: 0,
    held: 0,
  }
  return {
    write: undefined,
    registerSink: undefined,
    meet: (sink) => early.meet(sink),
    beat: () => {},
    distrust(sinceMs = 0) {
      distrustedSince(sinceMs, sinceMs)
      return 0
    },
    claim: (sink) => void early.meet(sink),
    mark: () => false,
    settle: () => false,
    position: () => 0,
    isSettled: () => true,
    nextDueAt: () => undefined,
    expedite: () => {},
    stats: () => nothing,
    recorded: () => 0,
    restored: () => 0,
    deadLetters: () => [],
    requeue: () => 0,
    discard: () => 0,
    unattributed: () => [],
    attribute: () => 0,
    statesOf: (_, ids) => ids.map(() => undefined),
    find: () => undefined,
    ledger: async () => noEntries,
    correct: () => 0,
    sinks: () =>
      [...modes].map(([name, said]) => ({ name, ...said, inUse: said.mode !== undefined })),
    attend: (sink, mode, value) => void modes.set(sink, { mode, ...(value && { value }) }),
    leave: (sink) => void (modes.has(sink) && modes.set(sink, {})),
    release: () => 0,
    drop: () => 0,
    rename(from, to) {
      if (!modes.has(from) || modes.has(to)) return false
      modes.delete(from)
      early.meet(to)
      return true
    },
    removeSink: (sink) => modes.delete(sink),
    prune: async () => 0,
  }
}
