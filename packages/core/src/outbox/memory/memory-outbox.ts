import { OutboxError } from '../../errors/errors.ts'
import { checkKeys, isAboveZero, isFunction, optionCheck } from '../../errors/option-check.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'
import { type Companion, companionFailure, type CompanionStore } from '../companion.ts'
import { Faults } from '../faults.ts'
import type { Outbox } from '../outbox.ts'
import { reviewed } from '../reviewed.ts'
import { distrustedSince } from '../rules.ts'
import type { TakenId } from '../taken-id.ts'
import { Claims } from './claims.ts'
import { Evictor } from './evictor.ts'
import { Ledger } from './ledger.ts'
import { SinkProgress } from './sink-progress.ts'
import { Sinks } from './sinks.ts'

export interface MemoryOutboxOptions {
  /**
   * How much it holds: characters of the records' JSON, mostly 600 to 900 a record. When it is full,
   * records that every sink has settled leave the ledger, oldest first, before their retention is
   * over. Nothing that is pending, dead or unattributed ever leaves: where that fills it, `append`
   * refuses what is new, with the records in the error. @default 64 MB
   */
  readonly maxBytes?: number
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
}

const check = optionCheck('memoryOutbox')

const defaultMaxBytes = 64 * 1024 * 1024

/** An outbox in memory whose records can be taken away, to be kept somewhere better. */
export interface TemporaryOutbox extends Outbox {
  /** Whether any record is in it. */
  readonly isEmpty: boolean
  /** Whether a sink, or where none is known a later process, still lacks anything of it. */
  readonly waits: boolean
  /** Records, oldest first, that no sink has anything of, nor is being sent now. */
  untouched(limit: number): readonly UsageRecord[]
  /** Forgets records that are kept somewhere else now: they are not counted here any more. */
  remove(ids: readonly string[]): void
}

/**
 * An outbox that dies with the process: for tests, and for places without a disk.
 * @throws ConfigError when an option is wrong.
 */
export function memoryOutbox(options: MemoryOutboxOptions = {}): Outbox {
  return temporaryOutbox(options)
}

/** @param maxRecords how many records it holds, whatever their size. */
export function temporaryOutbox(
  options: MemoryOutboxOptions = {},
  maxRecords = Infinity,
): TemporaryOutbox {
  checkKeys<MemoryOutboxOptions>('memoryOutbox', options, { maxBytes: true, now: true })
  const { maxBytes = defaultMaxBytes, now = Date.now } = options
  check('maxBytes', maxBytes, 'a number above 0', isAboveZero)
  check('now', now, 'a function', isFunction)
  const ledger = new Ledger()
  /** The sinks that have claimed or were registered. */
  const sinks = new Map<string, SinkProgress>()
  const evictor = new Evictor(ledger, sinks, maxBytes, maxRecords)
  const claims = new Claims(ledger, now)
  const openedAt = now()
  const known = new Sinks(ledger, sinks, () => evictor.markDirty())
  const companions: Companion[] = []
  const faults = new Faults()
  let closed = false
  let restored = 0

  const tellCompanions = (
    records: readonly UsageRecord[],
    kept: readonly { readonly id: string }[],
    holdIds: readonly string[],
  ): void => {
    const ids = new Set(kept.map(({ id }) => id))
    const added = records.filter(({ id }) => ids.delete(id))
    for (const companion of companions) {
      try {
        companion.appended([{ records: added, holdIds }])
      } catch (cause) {
        faults.report(companionFailure(cause))
      }
    }
  }

  /** A sink that never claimed has everything before it, and looking does not make it known. */
  const progressOf = (sink: string): SinkProgress =>
    sinks.get(sink) ?? new SinkProgress(sink, ledger)

  const outbox: TemporaryOutbox = {
    description: 'memory',
    durable: false,
    store: {
      kind: 'memory',
      attach(prepare) {
        const part = prepare(undefined)
        companions.push(part)
        return { write: (work) => work(part), read: (work) => work(part) }
      },
    } satisfies CompanionStore<void>,
    // It would be gone with the process, and so would be what it is kept for.
    open() {},
    append(records: readonly UsageRecord[], { holdIds = [] } = {}): void | readonly TakenId[] {
      if (closed) throw refusal('it is closed. Close the meter after the last call.', records)
      const taken: TakenId[] = []
      const fresh = ledger.fresh(records, taken)
      if (!evictor.evictFor(fresh)) {
        throw refusal(
          maxRecords === Infinity
            ? `it is full (maxBytes: ${maxBytes}) of records that wait for a sink. ` +
                'Raise maxBytes, or keep usage in a file: sqliteOutbox(path).'
            : `it is full: ${ledger.count} records wait in it. Make room where usage should be kept.`,
          records,
        )
      }
      for (const record of fresh) ledger.add(record)
      if (companions.length > 0) tellCompanions(records, fresh, holdIds)
      if (taken.length > 0) return taken
    },
    claim(sink, options) {
      if (known.isRenamed(sink)) return undefined
      const progress = progressOf(sink)
      sinks.set(sink, progress)
      return claims.claim(progress, options)
    },
    mark(batch, marks) {
      evictor.markDirty()
      return claims.mark(progressOf(batch.sink), batch, marks)
    },
    settle(batch, results) {
      evictor.markDirty()
      return claims.settle(progressOf(batch.sink), batch, results)
    },
    position: () => ledger.last,
    isSettled: (sink, position) => progressOf(sink).isSettled(position),
    nextDueAt: (sink) => progressOf(sink).nextDueAt(now()),
    expedite: (sink) => progressOf(sink).batches.expedite(now()),
    stats: (sink) => progressOf(sink).stats(),
    recorded: () => ledger.last,
    deadLetters: (sink, limit = Infinity) => progressOf(sink).deadLetters(limit),
    requeue: (sink, ids) => progressOf(sink).requeue(ids),
    discard(sink, ids) {
      evictor.markDirty()
      return progressOf(sink).discard(ids)
    },
    unattributed: (limit = Infinity) =>
      [...ledger.unattributed].slice(0, limit).map((seq) => ledger.at(seq)),
    attribute(ids, customer) {
      let count = 0
      for (const id of ids) {
        const seq = ledger.seqOf(id)
        if (seq === undefined || !ledger.unattributed.has(seq)) continue
        ledger.attribute(seq, customer)
        for (const progress of sinks.values()) progress.attributed(seq)
        count++
      }
      // A sink may have been registered after it.
      evictor.markDirty()
      return count
    },
    find(id) {
      const seq = ledger.seqOf(id)
      return seq === undefined ? undefined : ledger.at(seq)
    },
    statesOf: (sink, ids) => progressOf(sink).statesOf(ids),
    ledger: (sink, query = {}) => progressOf(sink).ledgerPage(query),
    correct(sink, ids, correction) {
      evictor.markDirty()
      return progressOf(sink).correct(ids, correction, now())
    },
    release: (sink, ids) => progressOf(sink).release(ids),
    drop(sink, ids) {
      evictor.markDirty()
      return progressOf(sink).drop(ids)
    },
    distrust(sinceMs = openedAt) {
      const since = distrustedSince(sinceMs, now())
      ledger.distrust(since)
      restored++
      for (const progress of sinks.values()) progress.distrust(since)
      const all = sinks.size === 0 ? [new SinkProgress('', ledger)] : [...sinks.values()]
      return new Set(all.flatMap((progress) => [...progress.pending()])).size
    },
    restored: () => restored,
    ...known.operations,
    onFault: (listener) => faults.listen(listener),
    prune: (beforeMs) => evictor.prune(beforeMs),
    close() {
      closed = true
      for (const companion of companions) companion.closed?.()
    },
    get isEmpty() {
      return ledger.count === 0
    },
    get waits() {
      if (sinks.size === 0) return ledger.count > 0
      return [...sinks.values()].some((progress) => progress.stats().pending > 0)
    },
    untouched(limit) {
      const found: UsageRecord[] = []
      for (const seq of ledger.after(0)) {
        if (found.length >= limit) break
        if (ledger.uncertainSince(seq) !== undefined) continue
        if ([...sinks.values()].every((progress) => progress.isUntouched(seq))) {
          found.push(ledger.at(seq))
        }
      }
      return found
    },
    remove(ids) {
      for (const id of ids) {
        const seq = ledger.seqOf(id)
        if (seq === undefined) continue
        for (const progress of sinks.values()) progress.left(seq)
        ledger.delete(seq)
      }
      evictor.markDirty()
    },
  }

  return Object.assign(outbox, reviewed(outbox))
}

function refusal(why: string, records: readonly UsageRecord[]): OutboxError {
  return new OutboxError(`Cannot keep usage in the memory outbox: ${why}`, { records })
}
