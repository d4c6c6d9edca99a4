import type { AfterUsage } from './after-usage.ts'
import { HeldWrites } from '../call/held-writes.ts'
import type { ObservedCall } from '../call/observed-call.ts'
import type { CompletedReading, RecordSink } from '../call/record-sink.ts'
import { oddUsage } from '../call/odd-usage.ts'
import { reportedOnce } from '../call/reported-once.ts'
import type { PriceRecord } from '../cost/pricing.ts'
import { ObserverError, type TokenMeterError } from '../errors/errors.ts'
import { settledWithin } from '../lib/timing.ts'
import type { Livemode } from './livemode.ts'
import { notKept, notYetKept, unattributed } from './lost-records.ts'
import type { ManualUsage } from './manual-usage.ts'
import { toRecord } from './observed-record.ts'
import type { Appended, Outbox } from '../outbox/outbox.ts'
import { type TakenId, duplicateIds, isSameUsage } from '../outbox/taken-id.ts'
import { saysMore } from '../cost/fees.ts'
import { isZero } from '../usage/token-counts.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** How long an LLM call waits for an outbox that is slow to make its usage safe, in ms. */
const longestWaitMs = 5000

/** Records on their way into the outbox, as they were given and as they are kept. */
interface Storing {
  readonly given: readonly UsageRecord[]
  readonly records: readonly UsageRecord[]
}

/** Makes usage records and puts them in the outbox, inside the caller's LLM call. */
export class UsageKeeper implements RecordSink {
  readonly #outbox: Outbox
  readonly #kept: (record: UsageRecord) => void
  readonly #onFault: (error: TokenMeterError) => void
  readonly #price: PriceRecord | undefined
  readonly #after: AfterUsage | undefined
  readonly #livemode: Livemode | undefined
  /** Appends and announced usage so far, so that a flush knows whether it covers the latest. */
  begun = 0
  /** Appends under way. */
  readonly #storing = new Map<Promise<void>, Storing>()
  /** Those that their call did not wait for any more, and which were told. */
  readonly #told = new WeakSet<Storing>()
  /** Usage that is still being read from responses that the caller has left. */
  readonly #coming = new Set<Promise<unknown>>()
  readonly #held = new HeldWrites()
  /** The last append answered which ids were taken; others write later than they answer. */
  #isTold = false
  #closed = false

  constructor(
    outbox: Outbox,
    kept: (record: UsageRecord) => void,
    onFault: (error: TokenMeterError) => void,
    after?: AfterUsage,
    price?: PriceRecord,
    livemode?: Livemode,
  ) {
    this.#outbox = outbox
    this.#after = after
    this.#price = price
    this.#kept = kept
    this.#onFault = onFault
    this.#livemode = livemode
  }

  /** Never throws; the answer never rejects, and is there soon though the outbox be slow. */
  keep(call: ObservedCall, readings: readonly CompletedReading[]): void | Promise<void> {
    const at = Date.now()
    const records: UsageRecord[] = []
    for (const [index, reading] of reportedOnce(readings).entries()) {
      const record = toRecord(call, reading, at, index)
      if (isZero(record.tokens) && !saysMore(record.details)) continue
      records.push(this.#price?.(record) ?? record)
    }
    for (const reading of readings) {
      const odd = oddUsage(call.call, reading, records.length > 0)
      if (odd !== undefined) this.#onFault(odd)
    }
    if (records.length === 0) return
    if (call.customer === null) this.#onFault(unattributed(call))
    try {
      const storing = this.#append(records)
      const mostMs = Math.max(longestWaitMs, this.#after?.awaitDeliveryMs ?? 0)
      if (storing !== undefined) return this.#waitFor(storing, records, mostMs)
    } catch {
      // Reported, with the records.
    }
  }

  /** Usage that is still not safe then is told whole: should the process end, it is nowhere else. */
  async #waitFor(
    storing: Promise<void>,
    records: readonly UsageRecord[],
    mostMs: number,
  ): Promise<void> {
    await settledWithin(mostMs, storing)
    const late = [...this.#storing.values()].find(({ given }) => given === records)
    if (late === undefined) return
    this.#told.add(late)
    this.#onFault(notYetKept(this.#outbox, late.records, mostMs))
  }

  /**
   * Keeps a record of the application.
   * @param named what it named itself: only then can an id be taken by the same usage.
   * @throws OutboxError with the record when it could not be kept, DuplicateIdError when its id has
   * other usage.
   */
  async record(record: UsageRecord, named: Pick<ManualUsage, 'id' | 'at'>): Promise<void> {
    const priced = this.#price?.(record) ?? record
    const isSame = (taken: TakenId) => isSameUsage(taken, named.at !== undefined)
    const storing = this.#append([priced], isSame)
    const hasLooked = this.#isTold
    await storing
    if (named.id === undefined || hasLooked) return
    const kept = await this.#outbox.find(named.id)
    const other = kept && duplicateIds([{ record: priced, kept }], isSame)
    if (other === undefined) return
    this.#onFault(other)
    throw other
  }

  /** Resolves when no append that has begun is under way any more, whatever became of it. */
  async stored(): Promise<void> {
    await Promise.allSettled(this.#storing.keys())
  }

  expect(coming: Promise<unknown>): void {
    this.begun++
    this.#coming.add(coming)
    const over = () => void this.#coming.delete(coming)
    coming.then(over, over)
  }

  /** What is still coming now; each promise can reject. */
  get coming(): readonly Promise<unknown>[] {
    return [...this.#coming]
  }

  hold(write: () => void, forMs: number): () => void {
    return this.#held.hold(write, forMs)
  }

  /** Writes what waited for something better. */
  writeHeld(): void {
    this.#held.writeAll()
  }

  get isStoring(): boolean {
    return this.#storing.size > 0
  }

  /** Reports what the process ends before having written: its log is then the only place. */
  reportUnstored(): void {
    // Those that the outbox can still save are with the next process.
    const storing = this.#storing.size > 0 && this.#outbox.saveNow?.() !== true
    const unsaved = storing ? [...this.#storing.values()] : []
    const untold = unsaved.filter((some) => !this.#told.has(some))
    const records = untold.flatMap((some) => some.records)
    // Once: the process would not end while it waits for these again and again.
    this.#storing.clear()
    if (records.length === 0) return
    this.#onFault(
      notKept(this.#outbox, records, new Error('the process ends before it is written')),
    )
  }

  /** A failure is reported with the records in it, which are then nowhere else, and thrown. */
  #append(
    given: readonly UsageRecord[],
    isSame?: (taken: TakenId) => boolean,
  ): void | Promise<void> {
    const livemode = this.#livemode?.()
    const records = livemode instanceof Promise ? given : inMode(given, livemode)
    const failed = (cause: unknown): never => {
      const error = notKept(this.#outbox, records, cause)
      this.#onFault(error)
      throw error
    }
    if (this.#closed) return failed(new Error('the meter was closed'))
    this.begun++
    let appending: ReturnType<Outbox['append']>
    try {
      appending =
        livemode instanceof Promise
          ? livemode.then((mode) => this.#outbox.append(inMode(given, mode)))
          : this.#outbox.append(records)
    } catch (cause) {
      return failed(cause)
    }
    this.#isTold = appending !== undefined
    const appended = (taken: Appended): void => {
      const others = taken && duplicateIds(taken, isSame)
      const left = new Set(others?.records.map(({ id }) => id))
      this.#tell(left.size === 0 ? records : records.filter(({ id }) => !left.has(id)))
      if (others === undefined) return
      this.#onFault(others)
      if (isSame !== undefined) throw others
    }
    if (!(appending instanceof Promise)) {
      appended(appending)
      return this.#after?.follow(records)
    }
    const storing = appending.catch(failed).then(appended)
    this.#storing.set(storing, { given, records })
    const over = () => void this.#storing.delete(storing)
    storing.then(over, over)
    return this.#after === undefined ? storing : this.#after.follow(records, storing)
  }

  /** The text of the cause stays out of the message: it may quote the conversation. */
  fault(what: string, cause?: unknown): void {
    this.#onFault(new ObserverError(what, { cause }))
  }

  close(): void {
    this.#closed = true
  }

  #tell(records: readonly UsageRecord[]): void {
    for (const record of records) this.#kept(record)
  }
}

/** What the application said of a record itself stands. */
function inMode(
  records: readonly UsageRecord[],
  livemode: boolean | undefined,
): readonly UsageRecord[] {
  return livemode === undefined ? records : records.map((record) => ({ livemode, ...record }))
}
