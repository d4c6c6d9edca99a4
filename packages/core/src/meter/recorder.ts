/**
 * Appends usage to the outbox, inside the caller's LLM call. What becomes of a record here:
 *
 *     made from a reading ── append returns at once, or ends within 5 s ──> recorded: told, delivered
 *                         ├─ append fails ──> reported whole: the error's `records` are the only copy
 *                         └─ append takes longer ──> the call goes on; reported whole, because it is
 *                            lost should the process end, and recorded when the append ends
 *     its id is taken ──> dropped where the usage is the same, else reported whole
 *
 * A call never sees any of it; `meter.record()` rejects with what is reported.
 */
import type { CompletedReading } from '../call/completed-reading.ts'
import type { RecordedCall, RecordSink } from '../call/record-sink.ts'
import type { PriceRecord } from '../cost/pricing.ts'
import { ObserverError, type TokenMeterError } from '../errors/errors.ts'
import { settledWithin } from '../lib/timing.ts'
import type { Appended, Outbox } from '../outbox/outbox.ts'
import { type TakenId, duplicateIds, isSameUsage } from '../outbox/taken-id.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { Livemode } from './livemode.ts'
import type { ManualUsage } from './manual-usage.ts'
import { endsOf, OpenRecords } from './open-records.ts'
import { oddUsage, toRecords } from './to-record.ts'
import { notKept, notYetKept, unattributed } from './unkept-usage.ts'
import type { RequestLifetime } from './wait-until.ts'

export interface RecorderOptions {
  readonly outbox: Outbox
  /** Told of each record that is in the outbox now. */
  readonly onRecorded: (record: UsageRecord) => void
  readonly onError: (error: TokenMeterError) => void
  readonly lifetime?: RequestLifetime | undefined
  readonly price?: PriceRecord | undefined
  readonly livemode?: Livemode | undefined
}

/** How long an LLM call waits for an outbox that is slow to make its usage safe, in ms. */
const maxWaitMs = 5000

/** Records on their way into the outbox, as they were given and as they are appended. */
interface Appending {
  readonly given: readonly UsageRecord[]
  readonly records: readonly UsageRecord[]
}

interface AppendingOptions {
  /** Whether an id that is taken is so by the same usage. @default never */
  readonly isSame?: ((taken: TakenId) => boolean) | undefined
  /** What these records settle, where something was held for them. */
  readonly holdIds?: readonly string[] | undefined
  /** Usage that was kept open for them, under other ids. */
  readonly ends?: readonly string[] | undefined
  /** Given the records as they are appended. */
  readonly told?: ((records: readonly UsageRecord[]) => void) | undefined
}

/** Makes usage records and puts them in the outbox. */
export class UsageRecorder implements RecordSink {
  readonly #options: RecorderOptions
  readonly #outbox: Outbox
  readonly #onError: (error: TokenMeterError) => void
  /** Appends and announced usage so far, so that a flush knows whether it covers the latest. */
  appendCount = 0
  readonly #appending = new Map<Promise<void>, Appending>()
  /** Those that their call does not wait for any more: they were reported, with their records. */
  readonly #reported = new WeakSet<Appending>()
  /** Usage that is still being read from responses that the caller has left. */
  readonly #pendingReads = new Set<Promise<unknown>>()
  readonly #deferred = new DeferredWrites()
  /** The last append returned which ids were taken; others write later than they return. */
  #knowsTakenIds = false
  readonly #open: OpenRecords
  #closed = false

  constructor(options: RecorderOptions) {
    this.#options = options
    this.#outbox = options.outbox
    this.#onError = options.onError
    this.#open = new OpenRecords(options.outbox, options.onError)
  }

  /** Never throws; the promise never rejects, and does not outlast a slow outbox. */
  record(call: RecordedCall, readings: readonly CompletedReading[]): void | Promise<void> {
    const records = toRecords(call, readings, Date.now()).map((record) => this.#priced(record))
    for (const reading of readings) {
      const odd = oddUsage(call.call, reading, records.length > 0)
      if (odd !== undefined) this.#onError(odd)
    }
    const { holdIds } = call
    // Nothing was used: what is held for it is given back.
    if (records.length === 0) {
      if (call.openIds.length > 0) this.#open.keep(call, records)
      return holdIds === undefined ? undefined : call.dismiss()
    }
    if (call.customer === null) this.#onError(unattributed(call))
    const recorded = (): void => {
      if (holdIds !== undefined) call.recorded()
    }
    try {
      const ends = endsOf(call, records)
      if (call.openIds.length > 0) call.openIds = []
      const told = (all: readonly UsageRecord[]): void => call.tellRecords(all)
      const appending = this.#append(records, { holdIds, ends, told })
      if (appending === undefined) recorded()
      else if (holdIds !== undefined) appending.then(recorded, recorded)
      const waitMs = Math.max(maxWaitMs, this.#options.lifetime?.awaitDeliveryMs ?? 0)
      if (appending !== undefined) return this.#waitFor(appending, records, waitMs)
    } catch {
      // Reported, with the records: to record() them again is what charges them.
      recorded()
    }
  }

  keep(call: RecordedCall, readings: readonly CompletedReading[]): void {
    const records = toRecords(call, readings, Date.now()).map((record) => this.#priced(record))
    if (records.length + call.openIds.length === 0 || this.#closed) return
    const livemode = this.#options.livemode?.()
    // What nobody knows yet is known by the next time.
    const mode = livemode instanceof Promise ? undefined : livemode
    this.#open.keep(call, inMode(records, mode))
  }

  /**
   * Records usage of the application.
   * @param named what it named itself: only then can an id be taken by the same usage.
   * @throws OutboxError with the record when it could not be kept, DuplicateIdError when its id has
   * other usage.
   */
  async recordManual(record: UsageRecord, named: Pick<ManualUsage, 'id' | 'at'>): Promise<void> {
    const priced = this.#priced(record)
    const isSame = (taken: TakenId) => isSameUsage(taken, named.at !== undefined)
    const appending = this.#append([priced], { isSame })
    const isChecked = this.#knowsTakenIds
    await appending
    if (named.id === undefined || isChecked) return
    const kept = await this.#outbox.find(named.id)
    const other = kept && duplicateIds([{ record: priced, kept }], isSame)
    if (other === undefined) return
    this.#onError(other)
    throw other
  }

  /** Resolves when no append that has begun is under way any more, whatever became of it. */
  async appended(): Promise<void> {
    await Promise.allSettled(this.#appending.keys())
  }

  get isAppending(): boolean {
    return this.#appending.size > 0
  }

  /** Reports what the process ends before having written: its log is then the only place. */
  reportUnwritten(): void {
    // Those that the outbox can still save are with the next process.
    const isLost = this.isAppending && this.#outbox.saveNow?.() !== true
    const unwritten = isLost ? [...this.#appending.values()] : []
    const records = unwritten
      .filter((appending) => !this.#reported.has(appending))
      .flatMap((appending) => appending.records)
    // Once: the process would not end while it waits for these again and again.
    this.#appending.clear()
    if (records.length === 0) return
    const cause = new Error('the process ends before it is written')
    this.#onError(notKept(this.#outbox, records, cause))
  }

  trackPending(read: Promise<unknown>): void {
    this.appendCount++
    this.#pendingReads.add(read)
    const over = () => void this.#pendingReads.delete(read)
    read.then(over, over)
  }

  /** What is still being read now; each promise can reject. */
  get pendingReads(): readonly Promise<unknown>[] {
    return [...this.#pendingReads]
  }

  defer(write: () => void, forMs: number): () => void {
    return this.#deferred.defer(write, forMs)
  }

  /** Writes what waited for something better. */
  writeDeferred(): void {
    this.#deferred.writeAll()
  }

  /** The text of the cause stays out of the message: it may quote the conversation. */
  fault(what: string, cause?: unknown): void {
    this.#onError(new ObserverError(what, { cause }))
  }

  /** Nothing is appended any more. */
  close(): void {
    this.#closed = true
  }

  #priced(record: UsageRecord): UsageRecord {
    return this.#options.price?.(record) ?? record
  }

  /** A failure is reported with the records in it, which are then nowhere else, and thrown. */
  #append(
    given: readonly UsageRecord[],
    { isSame, holdIds, ends, told }: AppendingOptions,
  ): void | Promise<void> {
    const livemode = this.#options.livemode?.()
    const records = livemode instanceof Promise ? given : inMode(given, livemode)
    told?.(records)
    const failed = (cause: unknown): never => {
      const error = notKept(this.#outbox, records, cause)
      this.#onError(error)
      throw error
    }
    if (this.#closed) return failed(new Error('the meter was closed'))
    this.appendCount++
    const options = (holdIds ?? ends) && { holdIds, ends }
    let outcome: ReturnType<Outbox['append']>
    try {
      outcome =
        livemode instanceof Promise
          ? livemode.then((mode) => this.#outbox.append(inMode(given, mode), options))
          : this.#outbox.append(records, options)
    } catch (cause) {
      return failed(cause)
    }
    this.#knowsTakenIds = outcome !== undefined
    const appended = (taken: Appended): void => {
      const others = taken && duplicateIds(taken, isSame)
      const left = new Set(others?.records.map(({ id }) => id))
      for (const record of records) if (!left.has(record.id)) this.#options.onRecorded(record)
      if (others === undefined) return
      this.#onError(others)
      if (isSame !== undefined) throw others
    }
    const { lifetime } = this.#options
    if (!(outcome instanceof Promise)) {
      appended(outcome)
      return lifetime?.extend(records)
    }
    const appending = outcome.catch(failed).then(appended)
    this.#appending.set(appending, { given, records })
    const over = () => void this.#appending.delete(appending)
    appending.then(over, over)
    return lifetime === undefined ? appending : lifetime.extend(records, appending)
  }

  /** Usage that is not safe by then is reported whole: should the process end, it is nowhere else. */
  async #waitFor(
    appending: Promise<void>,
    records: readonly UsageRecord[],
    waitMs: number,
  ): Promise<void> {
    await settledWithin(waitMs, appending)
    const late = [...this.#appending.values()].find(({ given }) => given === records)
    if (late === undefined) return
    this.#reported.add(late)
    this.#onError(notYetKept(this.#outbox, late.records, waitMs))
  }
}

/** What is written later, unless something better comes first. */
class DeferredWrites {
  readonly #writes = new Map<() => void, ReturnType<typeof setTimeout>>()

  /** Runs `write` after so long, which keeps no process alive. Returns how to cancel it. */
  defer(write: () => void, forMs: number): () => void {
    const timer = setTimeout(() => this.#run(write), forMs)
    // A number where there is no Node.
    ;(timer as Partial<NodeJS.Timeout>).unref?.()
    this.#writes.set(write, timer)
    return () => void this.#cancel(write)
  }

  /** Nothing better can come any more. */
  writeAll(): void {
    for (const write of this.#writes.keys()) this.#run(write)
  }

  #run(write: () => void): void {
    if (this.#cancel(write)) write()
  }

  #cancel(write: () => void): boolean {
    clearTimeout(this.#writes.get(write))
    return this.#writes.delete(write)
  }
}

/** What the application said of a record itself stands. */
function inMode(
  records: readonly UsageRecord[],
  livemode: boolean | undefined,
): readonly UsageRecord[] {
  return livemode === undefined ? records : records.map((record) => ({ livemode, ...record }))
}
