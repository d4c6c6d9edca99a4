/**
 * Brings the records of one sink from the outbox to the backend. One loop:
 *
 *     idle ──wake, timer──> claiming ──batch──> sending ──> settling ──> claiming
 *       ▲                      │                                │
 *       ├──nothing is due──────┘                                │
 *       └──── paused ◄──── nothing was accepted, twice or more ─┘
 *
 * - idle: a timer runs until the next record is due; `wake` ends the idling early. A sink that
 *   lingers is left idle until enough records wait for it, or one has waited for long enough. One
 *   that has not arrived (sink-arrival.ts) claims nothing.
 * - sending: up to `maxConcurrentBatches` batches at a time, each claimed under a lease (attempt.ts).
 * - settling: results go to the outbox; what is to be retried waits there, not here (backoff.ts).
 * - paused: the backend asked for a pause, or batch after batch failed as a whole: nothing is
 *   claimed until it is over, so that an outage does not churn through the backlog. One batch that
 *   fails alone, however often, does not pause, so a poison record holds up no other.
 *
 * No timer here keeps the process alive.
 */
import { WallClock } from '../lib/clock.ts'
import { settledWithin, Timer, withTimeoutSignal, yieldToEventLoop } from '../lib/timing.ts'
import { BusyTime, busyPauseMs, isBusy, settleWhenFree } from '../outbox/busy.ts'
import type { Outbox, SinkStats } from '../outbox/outbox.ts'
import type { Batch, BatchEntry } from '../sink/batch.ts'
import { reportsProgress } from '../sink/send-progress.ts'
import type { Sink } from '../sink/sink.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { attempt } from './attempt.ts'
import { SinkPause, withRetryTime } from './backoff.ts'
import { BatchProgress, LeaseTime } from './batch-progress.ts'
import type { DeliveryOptions } from './options.ts'
import { Outage, type SinkFailure } from './outage.ts'
import type { SinkArrival } from './sink-arrival.ts'

/** Is notified of what a delivery comes to. Must not throw. */
export interface DeliveryListener {
  delivered(sink: string, records: readonly UsageRecord[]): void
  /** Prepaid credit has paid for them: the sink was sent nothing. */
  covered(sink: string, records: readonly UsageRecord[]): void
  retrying(sink: string, records: readonly UsageRecord[], reason: string, afterMs: number): void
  deadLetter(sink: string, record: UsageRecord, reason: string): void
  /** The backend has taken nothing for some time. The counts are absent where the outbox gives none. */
  failing(sink: string, failure: SinkFailure, stats: SinkStats | undefined): void
  /** The outbox failed, or a sink failed as a whole. */
  fault(sink: string, what: string, cause?: unknown): void
}

/** What a delivery is made of. */
export interface DeliveryParts {
  readonly sink: Sink
  readonly outbox: Outbox
  readonly options: DeliveryOptions
  readonly listener: DeliveryListener
  readonly arrival: SinkArrival
}

/** How long a closing delivery waits for sends that it has aborted, in ms. */
const stopGraceMs = 1000

export class Delivery {
  readonly sink: Sink
  readonly arrival: SinkArrival
  /** Why the last batch was not accepted whole; `undefined` when it was. */
  lastReason: string | undefined
  readonly #outbox: Outbox
  readonly #options: DeliveryOptions
  readonly #listener: DeliveryListener
  readonly #timer = new Timer(() => this.#pump())
  readonly #stop = new AbortController()
  readonly #clock = new WallClock()
  readonly #busy = new BusyTime()
  readonly #pause: SinkPause
  readonly #outage = new Outage((failure) => void this.#notifyOutage(failure))
  readonly #sending = new Set<Promise<void>>()
  #claiming: Promise<void> | undefined
  /** Something may have become due since the last claim began. */
  #claimAgain = false
  /** What waits for company is claimed all the same, until nothing waits. */
  #isExpedited = false
  /** Those of this process. */
  #recordsSinceClaim = 0

  constructor({ sink, outbox, options, listener, arrival }: DeliveryParts) {
    this.sink = sink
    this.arrival = arrival
    this.#outbox = outbox
    this.#options = options
    this.#listener = listener
    this.#pause = new SinkPause(options.backoff)
  }

  /** Why its backend takes nothing now; `undefined` when it does. */
  get failing(): SinkFailure | undefined {
    return this.#outage.failure
  }

  /** There may be something to deliver: claim soon, so that what comes together goes together. */
  wake(id?: string): void {
    if (this.#stop.signal.aborted) return
    this.arrival.recorded(id)
    const { lingerMs } = this.#options
    const isFull = ++this.#recordsSinceClaim >= this.#maxBatch
    this.#timer.scheduleWithin(isFull ? lingerMs : Math.max(lingerMs, this.#lingerMs))
  }

  /**
   * Claim now, retries too that wait for their turn. A pause the backend asked for still holds.
   * @returns false when the outbox is busy: to be tried again.
   */
  async expedite(): Promise<boolean> {
    try {
      await this.#outbox.expedite(this.sink.name)
    } catch (cause) {
      if (isBusy(cause)) return false
      throw cause
    }
    this.#pause.endBackoff()
    this.#isExpedited = true
    this.#pump()
    return true
  }

  /** Resolves when something has been settled, or after `timeoutMs`. */
  async progress(timeoutMs: number): Promise<void> {
    this.#pump()
    const sending = [...this.#sending]
    await settledWithin(
      timeoutMs,
      sending.length > 0 ? Promise.race(sending) : new Promise(() => {}),
    )
  }

  /** Resolves when no batch is under way, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (this.#claiming !== undefined || this.#sending.size > 0) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) return
      await settledWithin(leftMs, Promise.all([this.#claiming, ...this.#sending]))
    }
  }

  /** Claims nothing more, aborts what is under way, and resolves when all is still, or soon. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the meter was closed'))
    this.#timer.clear()
    this.#outage.over()
    // An outbox or a sink that hangs must not keep the application from ending.
    await this.drain(stopGraceMs)
    await this.arrival.leave()
    try {
      await this.sink.close?.()
    } catch (cause) {
      this.#listener.fault(this.sink.name, 'the sink could not be closed', cause)
    }
  }

  get #maxConcurrent(): number {
    return this.sink.maxConcurrentBatches ?? 1
  }

  get #maxBatch(): number {
    return this.sink.maxBatch ?? 100
  }

  /** How long the sink itself wants records to wait. */
  get #lingerMs(): number {
    return this.sink.lingerMs ?? 0
  }

  #pump(): void {
    this.#claimAgain = true
    if (this.#claiming !== undefined || this.#stop.signal.aborted) return
    this.#claiming = this.#claimAll().finally(() => {
      this.#claiming = undefined
      if (this.#claimAgain && this.#sending.size < this.#maxConcurrent) this.#pump()
    })
  }

  async #claimAll(): Promise<void> {
    this.#claimAgain = false
    try {
      if (!(await this.arrival.arrive())) return this.#timer.scheduleWithin(this.#options.pollMs)
      while (this.#sending.size < this.#maxConcurrent && !this.#stop.signal.aborted) {
        const pauseMs = this.#pause.leftMs()
        if (pauseMs > 0) return this.#timer.scheduleWithin(pauseMs)
        if (!(await this.#claimOne())) return await this.#idle()
      }
    } catch (cause) {
      if (this.#busy.isWorthReporting(cause)) {
        this.#listener.fault(this.sink.name, 'the outbox could not be read', cause)
      }
      this.#timer.scheduleWithin(isBusy(cause) ? busyPauseMs() : this.#options.backoff.maxMs)
    }
  }

  /** Begins to send the next batch. False where there is none. */
  async #claimOne(): Promise<boolean> {
    const { leaseMs } = this.#options
    // The times of retries are times of the day; a clock set back would stretch every wait.
    if (this.#clock.wasSetBack()) await this.#outbox.expedite(this.sink.name)
    const isExpedited = this.#isExpedited
    this.#recordsSinceClaim = 0
    const lease = new LeaseTime(leaseMs)
    const batch = await this.#outbox.claim(this.sink.name, {
      limit: this.#maxBatch,
      leaseMs,
      lingerMs: isExpedited ? 0 : this.#lingerMs,
      isMarked: reportsProgress(this.sink),
      isLive: this.arrival.mode === 'live',
    })
    this.#busy.over()
    if (batch === undefined) {
      if (isExpedited) this.#isExpedited = false
      return false
    }
    const sending = this.#deliver(batch, lease)
      .then(yieldToEventLoop)
      .finally(() => {
        this.#sending.delete(sending)
        this.#pump()
      })
    this.#sending.add(sending)
    return true
  }

  async #idle(): Promise<void> {
    await this.arrival.poll()
    const dueAt = await this.#outbox.nextDueAt(this.sink.name)
    const { pollMs } = this.#options
    const waitMs = dueAt === undefined ? pollMs : Math.max(0, dueAt - Date.now())
    // What is due and was not given out waits for company.
    this.#timer.scheduleWithin(Math.min(pollMs, waitMs === 0 ? this.#lingerMs : waitMs))
  }

  async #deliver(batch: Batch, lease: LeaseTime): Promise<void> {
    const { backoff, sendTimeoutMs } = this.#options
    const startedAt = Date.now()
    const send = async (signal: AbortSignal) => {
      const ended = (entries: readonly BatchEntry[], results: readonly SinkResult[]) =>
        this.#notifyResults(entries, results)
      const options = { outbox: this.#outbox, batch, lease, signal, ended }
      const progress = new BatchProgress(this.sink, options)
      const results = await attempt(this.sink, batch, { backoff, progress, signal })
      await progress.close()
      return { results, progress }
    }
    const { results, progress } = await withTimeoutSignal(sendTimeoutMs, this.#stop.signal, send)
    this.lastReason = results.find((result) => result.status === 'retry')?.reason
    this.#pause.note(batch.id, results)
    if (!this.#stop.signal.aborted) this.#outage.note(batch, results, startedAt)
    await this.#settle(batch, results, progress)
  }

  /** Writes what the outbox does not have yet. */
  async #settle(
    batch: Batch,
    results: readonly SinkResult[],
    progress: BatchProgress,
  ): Promise<void> {
    const { backoff, leaseMs, sendTimeoutMs } = this.#options
    const isLeft = batch.entries.map(({ record }) => !progress.isWritten(record.id))
    const entries = batch.entries.filter((_, index) => isLeft[index])
    if (entries.length === 0) return
    const left = results
      .filter((_, index) => isLeft[index])
      .map((result, index) => withRetryTime(result, entries[index], backoff))
    try {
      const settling = { atMostMs: leaseMs - sendTimeoutMs, signal: this.#stop.signal }
      if (await settleWhenFree(this.#outbox, { ...batch, entries }, left, settling)) {
        this.#notifyResults(entries, left)
      }
    } catch (cause) {
      this.#listener.fault(this.sink.name, 'results could not be written to the outbox', cause)
    }
  }

  /** What became of entries that the outbox has settled. */
  #notifyResults(entries: readonly BatchEntry[], results: readonly SinkResult[]): void {
    const { name } = this.sink
    const recordsWith = (status: SinkResult['status']) =>
      entries.filter((_, index) => results[index]?.status === status).map(({ record }) => record)
    const delivered: UsageRecord[] = []
    const covered: UsageRecord[] = []
    for (const [index, { record }] of entries.entries()) {
      const result = results[index]
      if (result?.status !== 'accepted') continue
      if (result.code === undefined) delivered.push(record)
      else covered.push(record)
    }
    if (delivered.length > 0) this.#listener.delivered(name, delivered)
    if (covered.length > 0) this.#listener.covered(name, covered)
    for (const [index, { record }] of entries.entries()) {
      const result = results[index]
      if (result?.status === 'rejected') this.#listener.deadLetter(name, record, result.reason)
    }
    const later = results.find((result) => result.status === 'retry')
    if (later === undefined) return
    this.#listener.retrying(name, recordsWith('retry'), later.reason, later.afterMs ?? 0)
  }

  async #notifyOutage(failure: SinkFailure): Promise<void> {
    const { name } = this.sink
    let stats: SinkStats | undefined
    try {
      stats = await this.#outbox.stats(name)
    } catch {
      // What is known is told all the same.
    }
    this.#listener.failing(name, failure, stats)
  }
}
