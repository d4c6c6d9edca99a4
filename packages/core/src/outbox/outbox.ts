/**
 * The outbox: where usage is safe from the moment a metered call has resolved until every sink has
 * it, and where it stays afterwards as a ledger.
 *
 * Each sink has its own progress on every record:
 *
 *     pending ──claim──> in a batch ──settle──> delivered
 *        ▲                   │  │
 *        │            retry: │  └──rejected──> dead ──discard──> discarded
 *        │   stays in batch ─┘                  │
 *        └──────────────requeue─────────────────┘
 *
 * - `pending`: nobody has it under way. A record without a customer is not pending but
 *   `unattributed`, for every sink, until `attribute` names one.
 * - In a batch (still counted as pending): a record once claimed stays in its batch until it is
 *   settled, so a batch that comes again, after a `retry` or a crash, has the same id and the same
 *   records less those that were settled. What a sink derives from a batch (a sum, an idempotency
 *   key) is therefore the same on every attempt. A claim that was never settled leaves what may have
 *   arrived `uncertain`.
 * - `delivered`, `dead`, `discarded`: settled, and pruned when it is old enough. `correct` moves a
 *   record between the three, because a backend can change its mind.
 * - `covered`: settled as well. It is paid for by prepaid credit, and a sink that bills was sent nothing
 *   of it.
 *
 * What a sink is not given unless somebody says so is `held`. It is decided when a sink claims, in one
 * place, for fresh records, requeued ones and batches that come again alike:
 *
 *     pending ──claim by a live sink──> test usage is held
 *     pending ──claim by a new sink beside an absent one──> what is from before it is held
 *
 *     held ──release──> pending, and never held again
 *     held ──removeSink of the absent one──> pending
 *     held ──rename──> whatever it was with the sink before
 *     held ──registerSink──> pending from the moment on; not counted before it
 *     held ──drop, or pruned with its record──> discarded
 *
 * - Test usage has `livemode: false`. A sink that is not live gets usage of every mode. What a sandbox
 *   had of a record that is held later (attempts, events) says nothing about the live backend, and is
 *   forgotten.
 * - A held record is not pending: it keeps no flush waiting, and is pruned when it is old enough, like
 *   one that is settled.
 * - The cursor of the sink passes it once, and leaves an item behind: no claim looks at it again.
 *
 * `rules.ts` has what the outboxes of this project decide alike.
 */
import type { DuplicateIdError, OutboxError } from '../errors/errors.ts'
import type { Refusal } from '../errors/refusal.ts'
import type { Awaitable } from '../lib/promises.ts'
import type { Batch, BatchMarks } from '../sink/batch.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { AppendOptions, CompanionStore, SqlCompanionStore } from './companion.ts'
import type { KnownSinks } from './known-sinks.ts'
import type { TakenId } from './taken-id.ts'

/** Where the records of one sink stand. `recorded` is the sum of the other counts. */
export interface SinkStats {
  readonly recorded: number
  readonly pending: number
  readonly delivered: number
  readonly dead: number
  readonly unattributed: number
  readonly discarded: number
  /** Not given out until `release` or `drop`. */
  readonly held: number
  /** Paid for by prepaid credit: the sink got nothing of them. Absent where nothing was. */
  readonly covered?: number
  /**
   * The `at` of the pending record that came first, in ms since the epoch. Absent when nothing is
   * pending.
   */
  readonly oldestPendingAt?: number
}

/** A record that a sink refused for good; `code` and `since` say why, for machines. */
export interface DeadLetter extends Refusal {
  readonly record: UsageRecord
  readonly sink: string
  readonly reason: string
  readonly attempts: number
  /** ms since the epoch. */
  readonly failedAt: number
}

/** Where a record stands with a sink. */
export type RecordState =
  | 'pending'
  | 'delivered'
  | 'dead'
  | 'unattributed'
  | 'discarded'
  | 'held'
  | 'covered'

/** Which part of the ledger; what is left out narrows nothing. */
export interface LedgerQuery {
  readonly customer?: string
  /** Records whose `at` is not before this, in ms since the epoch. */
  readonly fromMs?: number
  /** Records whose `at` is before this, in ms since the epoch. */
  readonly untilMs?: number
  readonly states?: readonly RecordState[]
  /** `next` of the page before. */
  readonly after?: number
  /** From 1 up. @default 1000 */
  readonly limit?: number
}

/** `code` and `since` say why it is dead or discarded, for machines, where that is known. */
export interface LedgerEntry extends Refusal {
  readonly record: UsageRecord
  readonly state: RecordState
  /** Why it is dead or discarded, where that is known. */
  readonly reason?: string
  /** Meter events of it that the sink is known to have, while it is not wholly delivered. */
  readonly deliveredEventIds: readonly string[]
  /** Meter events of it that the sink refused after it had accepted them, ever. */
  readonly refusedEventIds?: readonly string[]
}

export interface LedgerPage {
  readonly entries: readonly LedgerEntry[]
  /** Where the next page begins; absent on the last. */
  readonly next?: number
}

/** How records are claimed. */
export interface ClaimOptions {
  /** How many records at most; a batch that is due again comes whole, whatever the limit. */
  readonly limit: number
  /** How long nobody else gets them, in ms. A lease whose holder is known to be dead ends at once. */
  readonly leaseMs: number
  /**
   * Fresh records are given out once `limit` of them wait, or the oldest has an `at` that long ago (or
   * that far ahead, by a clock that was wrong), in ms; requeued ones do not wait. @default 0
   */
  readonly lingerMs?: number
  /**
   * The caller marks each request before it goes out (`mark`). When the batch is claimed again
   * without having been settled, only what its marks name is uncertain; otherwise all of it is.
   * @default false
   */
  readonly isMarked?: boolean | undefined
  /** The sink bills for real: test usage is held in place of being given out. @default false */
  readonly isLive?: boolean
}

/** Where a record is with which a sink has finished. */
export type SettledState = 'delivered' | 'dead' | 'discarded'

/**
 * Where settled records turned out to belong, and why: for people (`reason`) and for machines (`code`,
 * `since`). The event ids are about single meter events of the one record that becomes `dead`.
 */
export interface Correction extends Refusal {
  readonly state: SettledState
  readonly reason: string
  /**
   * Those that the sink has all the same. A delivered record becomes a dead letter with just these;
   * one that is dead already keeps those of its own that are also named here.
   */
  readonly deliveredEventIds?: readonly string[]
  /**
   * Those that the sink refused after it had accepted them, so that their ids are used up. They are
   * kept as long as the record, through requeue and delivery, and its batch and ledger entries name
   * them. Nothing changes for a record for which all of these were named before: the same report
   * twice moves it once, whatever became of it in between.
   */
  readonly refusedEventIds?: readonly string[]
}

/**
 * Any method may throw an error with `busy: true`: another process is using the outbox just now,
 * and the same call can succeed in a moment. `append` waits instead, and keeps the order.
 */
export interface Outbox extends KnownSinks {
  /** For messages: `sqlite .token-meter/usage.db`. Never a password. */
  readonly description: string
  /** False when records die with the process. */
  readonly durable: boolean
  /** Where books can be kept beside the records. Left out where they cannot. */
  readonly store?: CompanionStore | SqlCompanionStore | undefined
  /**
   * Keeps records; a record whose id it already has is left out, and returned beside the one that
   * stands. An id that was pruned is a new one. Returns at once when they are safe already, else a
   * promise of that; an outbox that writes later than it answers reports what turns out to be other
   * usage (`onFault`). Runs inside the caller's LLM call: it must be fast.
   */
  append(records: readonly UsageRecord[], options?: AppendOptions): Appended | Promise<Appended>
  /**
   * Keeps usage of an answer that is still under way, as it is by now, in place of what was kept of it under
   * the same ids before; with the holds that it settles. It is no record: nobody counts, finds or is given it.
   * `append` of an id ends what is open under it, and so does to name it in `ends`, here or there. Where the
   * process ends before that, the next one that uses the outbox appends it as it was kept last, with its
   * holds; so does `close`. What is opened after its record came is not kept. Runs beside the caller's LLM
   * call: it returns soon, with a promise of when it is safe, which may gather others for some moments.
   * Left out where nothing can be kept open.
   */
  open?(records: readonly UsageRecord[], options?: AppendOptions): Awaitable<void>
  /**
   * Takes records for a sink, as one batch; `undefined` when nothing is due. Where both wait, retries
   * and fresh records take turns.
   */
  claim(sink: string, options: ClaimOptions): Awaitable<Batch | undefined>
  /**
   * Writes down, in one write, which requests of a claimed batch are about to go out, which are over,
   * and what is known of single records by now: accepted ones are delivered, rejected ones dead,
   * whatever becomes of the rest of the batch; of a `retry` only `deliveredEventIds` count. Returns
   * false, and changes nothing, when the lease is not current: nothing more may be sent.
   */
  mark(batch: Batch, marks: BatchMarks): Awaitable<boolean>
  /**
   * Settles a claimed batch, one result per entry. What is to be retried stays in the batch, which
   * is claimable again after the longest `afterMs` of its results (0 where none is given); an entry
   * without a result stays too, as uncertain. Returns false, and changes nothing, when the lease is
   * not current: another worker has the batch.
   */
  settle(batch: Batch, results: readonly SinkResult[]): Awaitable<boolean>
  /** A mark behind everything appended so far by this process; for `isSettled`. */
  position(): Awaitable<number>
  /** True when no record up to the mark is still pending for the sink. */
  isSettled(sink: string, position: number): Awaitable<boolean>
  /** ms since the epoch at which a claim for the sink can next succeed; `undefined`: nothing waits. */
  nextDueAt(sink: string): Awaitable<number | undefined>
  /** Makes the retries of a sink that wait for their time due now. */
  expedite(sink: string): Awaitable<void>
  stats(sink: string): Awaitable<SinkStats>
  /** Records kept so far, for a meter without sinks. */
  recorded(): Awaitable<number>
  /** Oldest first. */
  deadLetters(sink: string, limit?: number): Awaitable<readonly DeadLetter[]>
  /**
   * Makes dead letters pending again, as if never tried, but for the events that the sink already
   * has; all of them without `ids`. Who requeues what was uncertain has decided that it did not
   * arrive. Returns how many.
   */
  requeue(sink: string, ids?: readonly string[]): Awaitable<number>
  /** Gives dead letters up for good; all of them without `ids`. Returns how many. */
  discard(sink: string, ids?: readonly string[]): Awaitable<number>
  /**
   * Makes what is held for a sink pending; all of it without `ids`. It is sent although it is test
   * usage, or from before a sink that is new. Returns how many.
   */
  release(sink: string, ids?: readonly string[]): Awaitable<number>
  /** Gives up what is held for a sink; all of it without `ids`. Returns how many. */
  drop(sink: string, ids?: readonly string[]): Awaitable<number>
  /** Records that nobody could be billed for, oldest first. */
  unattributed(limit?: number): Awaitable<readonly UsageRecord[]>
  /** Names who pays for unattributed records, which makes them pending. Returns how many. */
  attribute(ids: readonly string[], customer: string): Awaitable<number>
  /**
   * Where records stand with a sink, in the order of the ids; `undefined` for one that is not kept, or
   * came before the sink's first.
   */
  statesOf(sink: string, ids: readonly string[]): Awaitable<readonly (RecordState | undefined)[]>
  /** Ledger lookup by record id. */
  find(id: string): Awaitable<UsageRecord | undefined>
  /**
   * A page of the ledger, in the order in which the records came, with where each stands with a
   * sink. Records from before a sink that was registered are not in its ledger. Settled records are
   * there until they are pruned; what changes between two pages is seen as it is by then.
   */
  ledger(sink: string, query?: LedgerQuery): Awaitable<LedgerPage>
  /**
   * Moves records that the sink had settled (delivered, dead, discarded, covered) to where they turned out to
   * belong: a backend refused afterwards what it had accepted (`dead`), an uncertain dead letter did
   * arrive (`delivered`), a bill was cancelled (`discarded`). Pending ones stay: their batch is under
   * way; so do those that are there already, with the reason and code they have. A delivered record becomes a
   * dead letter of one attempt, of which the sink has no events. Counters move too. Returns how many
   * moved.
   */
  correct(sink: string, ids: readonly string[], correction: Correction): Awaitable<number>
  /**
   * Says that this is a copy, or was restored: all that waits may have been delivered by the original,
   * and is uncertain since `sinceMs` (the time of the backup, in ms since the epoch) or earlier. Left
   * out, it is the last use before it rested and was opened with what waits, or was opened here. What
   * is held is so once it is sent. What is recorded or requeued later is certain. Returns how many
   * records wait.
   * @throws ConfigError when `sinceMs` is no time.
   */
  distrust(sinceMs?: number): Awaitable<number>
  /** How often it turned out, or was said, that this is a copy or was restored. */
  restored(): Awaitable<number>
  /**
   * Deletes records older than the mark that are settled with, or held for, every sink that is known.
   * Returns how many.
   */
  prune(beforeMs: number): Awaitable<number>
  /**
   * How many records of this process were appended, or are being appended, and cannot be claimed yet,
   * because they have not reached the database. Left out where an append has no such time.
   */
  waiting?(): number
  /**
   * The process ends and nothing asynchronous runs any more: makes what is being appended safe at
   * once, in whatever way it can. False where some of it is not.
   */
  saveNow?(): boolean
  /**
   * Prepares what the first `append` needs, such as a connection: a meter calls it when it is made.
   * What fails here fails, and is told, at the first use.
   */
  prepare?(): Awaitable<void>
  /**
   * Tells what goes wrong outside of a call, such as records that were answered as kept and could
   * not be written after all (the error has them in `records`). Left out where nothing can. Returns
   * how to take the listener back.
   */
  onFault?(listener: (error: OutboxError | DuplicateIdError) => void): () => void
  close(): Awaitable<void>
}

/** The records that were left out, if any. */
export type Appended = void | readonly TakenId[]
