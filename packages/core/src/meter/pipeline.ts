import { RequestLifetime } from './wait-until.ts'
import { checkedOutbox } from '../outbox/checked-outbox.ts'
import {
  type CloseOptions,
  type FlushOptions,
  type MeterOptions,
  checkOptions,
  timeoutOf,
} from './options.ts'
import { countAndClose, flushOfClosed, noAnswer } from './closing.ts'
import { Delivery, type DeliveryListener } from '../delivery/delivery.ts'
import { SinkArrival } from '../delivery/sink-arrival.ts'
import { pricing } from '../cost/pricing.ts'
import { deliveryReport } from './delivery-report.ts'
import { deliveryOptions } from '../delivery/options.ts'
import { haveCome } from './coming.ts'
import { flushDeliveries } from '../delivery/flush.ts'
import { valueBefore } from '../lib/timing.ts'
import { DeliveryWaiter } from '../delivery/await-delivery.ts'
import { defaultOutbox } from '../environment/default-outbox.ts'
import { moveIn } from '../environment/fallback-outbox.ts'
import { checkRequest } from '../environment/request-bound.ts'
import { ObserverError, type TokenMeterError } from '../errors/errors.ts'
import { atExit } from './exit-flush.ts'
import { warnOnConsole } from './fault-log.ts'
import { handleRejection } from '../lib/promises.ts'
import { isNextBuild } from '../lib/runtime.ts'
import { lostRecords } from './lost-records.ts'
import { type ManualUsage, toUsageRecord } from './manual-usage.ts'
import { environmentLivemode, livemodeOf, sinkMode } from './livemode.ts'
import { MeterEmitter, type MeterEvents } from './meter-events.ts'
import type { Correction, Outbox } from '../outbox/outbox.ts'
import { pruneRegularly } from './retention.ts'
import { SharedFlush } from './shared-flush.ts'
import { checkSinks } from '../sink/check-sinks.ts'
import { keepingSums } from '../sink/send-sums.ts'
import { pricedSinks } from '../sink/priced-sinks.ts'
import type { MeterStats } from './stats.ts'
import { UsageRecorder } from './recorder.ts'

export type { CloseOptions, FlushOptions }

/** How long an ending process may take to deliver what it has, in ms. */
const durableExitMs = 2_000
const memoryExitMs = 10_000

export interface PipelineOptions {
  /** Nothing that the environment says or lacks is an error; it is reported. @default false */
  readonly tolerant?: boolean
}

/** One outbox and the deliveries from it: what a meter records into. */
export class Pipeline {
  /** For applications: it refuses the name of a sink that there is not. */
  readonly outbox: Outbox
  readonly #outbox: Outbox
  readonly recorder: UsageRecorder
  readonly #events: MeterEmitter
  readonly #deliveries: readonly Delivery[]
  readonly #own: DeliveryWaiter
  readonly #tell: DeliveryListener
  readonly #leaveExit: () => void
  readonly #stopPruning: () => void
  #errors = 0
  readonly #flushes = new SharedFlush((timeoutMs) => this.#flushNow(timeoutMs))
  #flushedAtExit: number | undefined
  #closing: Promise<void> | undefined
  /** The counts when it was closed. */
  #last: MeterStats | undefined
  readonly report: (error: TokenMeterError) => void

  constructor(options: MeterOptions, { tolerant = false }: PipelineOptions = {}) {
    checkOptions(options)
    checkRequest()
    const sinks = checkSinks(options.sinks)
    const pace = deliveryOptions(options.delivery)
    const stated = options.livemode ?? environmentLivemode(tolerant)
    const onError = options.onError ?? warnOnConsole()
    this.#events = new MeterEmitter((cause) =>
      this.report(new ObserverError('a listener of on() threw', { cause })),
    )
    this.report = (error) => {
      this.#errors++
      try {
        // An async handler's failure is handled as well.
        handleRejection(onError(error))
      } catch {
        // Nothing is left to tell; a fault of the error handler must not reach the LLM call.
      }
      if (error.code !== 'observer') this.#events.emit('error', error)
    }
    this.#outbox = options.outbox ?? defaultOutbox({ report: this.report, tolerant })
    this.#outbox.onFault?.((error) => this.report(error))
    const names = new Set(sinks.map(({ name }) => name))
    this.outbox = checkedOutbox(this.#outbox, names)
    const isBuild = isNextBuild()
    if (!isBuild) handleRejection(this.#outbox.open?.())
    this.#tell = deliveryReport(this.#events, this.report, (sink, id) =>
      this.#own.settled(sink, id),
    )
    const price = options.cost && pricing(options.cost, this.report)
    const ownNames = sinks.map(({ name }) => name)
    const arrivals = { outbox: this.#outbox, ownNames, report: this.report }
    this.#deliveries = pricedSinks(sinks.map(keepingSums), price).map((sink) => {
      const arrival = new SinkArrival(sink, { ...arrivals, mode: sinkMode(sink) })
      return new Delivery({
        sink,
        arrival,
        outbox: this.#outbox,
        options: pace,
        listener: this.#tell,
      })
    })
    this.#own = new DeliveryWaiter(this.#outbox, this.#deliveries)
    const { waitUntil, awaitDeliveryMs } = options
    this.recorder = new UsageRecorder({
      outbox: this.#outbox,
      onRecorded: (record) => this.#kept(record),
      onError: this.report,
      lifetime: new RequestLifetime({
        own: this.#own,
        waitUntil,
        awaitDeliveryMs,
        onError: this.report,
      }),
      price,
      livemode: livemodeOf(stated, sinks, this.#outbox, tolerant),
    })
    this.#leaveExit = atExit({ flush: () => this.#flushAtExit(), end: () => this.#end() })
    // A build only looks at the application: should a page that it renders use the meter, the first
    // record wakes delivery.
    if (isBuild) this.#flushedAtExit = 0
    this.#stopPruning = isBuild
      ? () => {}
      : pruneRegularly(this.#outbox, options.retentionMs, this.report)
    if (!isBuild) for (const delivery of this.#deliveries) delivery.wake()
  }

  readonly on = <Name extends keyof MeterEvents>(
    name: Name,
    listener: (event: MeterEvents[Name]) => void,
  ): (() => void) => this.#events.on(name, listener)

  async record(usage: ManualUsage): Promise<void> {
    await this.recorder.recordManual(toUsageRecord(usage), usage)
  }

  readonly correct = async (
    sink: string,
    ids: readonly string[],
    correction: Correction,
  ): Promise<number> => {
    const { state, reason } = correction
    let moved = 0
    // One by one, to know which ones are dead letters now.
    for (const id of ids) {
      const count = await this.outbox.correct(sink, [id], correction)
      moved += count
      const record = count > 0 && state === 'dead' ? await this.outbox.find(id) : undefined
      if (record !== undefined) this.#tell.deadLetter(sink, record, reason)
    }
    return moved
  }

  async stats(): Promise<MeterStats> {
    if (this.#last !== undefined) return this.#last
    const sinks = await Promise.all(
      this.#deliveries.map(
        async ({ sink: { name }, failing }) =>
          [name, { ...(await this.#outbox.stats(name)), ...(failing && { failing }) }] as const,
      ),
    )
    return {
      recorded: await this.#outbox.recorded(),
      sinks: Object.fromEntries(sinks),
      errors: this.#errors,
    }
  }

  flush(options?: FlushOptions): Promise<MeterStats> {
    try {
      const timeoutMs = timeoutOf('flush', options)
      if (this.#closing !== undefined)
        return flushOfClosed(this.#closing, () => this.#last, timeoutMs)
      return this.#flushes.run(this.recorder.appendCount, timeoutMs)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  close(options?: CloseOptions): Promise<void> {
    try {
      const timeoutMs = timeoutOf('close', options)
      return (this.#closing ??= this.#closeNow(timeoutMs))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #flushNow(timeoutMs: number): Promise<MeterStats> {
    const deadline = performance.now() + timeoutMs
    const { pendingReads } = this.recorder
    // What is here goes out first: what is still coming may take longer than there is time.
    await this.#deliver(timeoutMs)
    if (await haveCome(pendingReads, timeoutMs, deadline))
      await this.#deliver(Math.max(0, deadline - performance.now()))
    const stats = await valueBefore(deadline, () => this.stats())
    if (stats === undefined) throw noAnswer(this.#outbox, `flush() gave up after ${timeoutMs} ms`)
    for (const { arrival, sink } of this.#deliveries)
      await arrival.notifyHeld(stats.value.sinks[sink.name])
    return stats.value
  }

  readonly #deliver = (timeoutMs: number): Promise<void> =>
    flushDeliveries(this.#outbox, this.#deliveries, timeoutMs, this.recorder.appended())

  async #flushAtExit(): Promise<void> {
    this.recorder.writeDeferred()
    // The event comes again after every asynchronous round: only new records are worth another.
    if (this.#flushedAtExit === this.recorder.appendCount && !this.recorder.isAppending) return
    this.#flushedAtExit = this.recorder.appendCount
    const timeoutMs = this.#outbox.durable ? durableExitMs : memoryExitMs
    // What was not delivered was reported; a durable outbox keeps it for the next process.
    // Nothing is waited for that is still coming: a process that ends has lost its connections.
    await this.#deliver(timeoutMs).catch(() => {})
    await moveIn(this.#outbox)
    this.recorder.reportUnwritten()
  }

  #end(): void {
    this.recorder.writeDeferred()
    this.recorder.reportUnwritten()
    this.#reportLost('the process ended')
  }

  #reportLost(end: Parameters<typeof lostRecords>[2]): void {
    const sinks = this.#deliveries.map(({ sink }) => sink.name)
    const lost = lostRecords(this.#outbox, sinks, end)
    if (lost !== undefined) this.report(lost)
  }

  async #closeNow(timeoutMs: number): Promise<void> {
    this.#stopPruning()
    this.recorder.writeDeferred()
    // What is left is counted below, when nothing more can come.
    await this.#flushes.run(this.recorder.appendCount, timeoutMs).catch(() => {})
    this.recorder.close()
    await moveIn(this.#outbox)
    await Promise.all(this.#deliveries.map((delivery) => delivery.stop()))
    this.#reportLost('the meter was closed')
    try {
      this.#last = await countAndClose(this.#outbox, () => this.stats())
    } finally {
      // Not before: a process that exits meanwhile says what it loses.
      if (!this.recorder.isAppending) this.#leaveExit()
    }
  }

  #kept(record: MeterEvents['usage']): void {
    this.#events.emit('usage', record)
    for (const delivery of this.#deliveries) delivery.wake(record.id)
  }
}
