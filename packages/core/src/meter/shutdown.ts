/**
 * How a meter flushes and ends:
 *
 *     open     flush() sends what was recorded before it, then waits for usage that is still being
 *              read, and sends that. Flushes that mean the same share one promise.
 *       │ close()
 *     closing  writes what was deferred, flushes once within its time, refuses what comes now, moves
 *              what is in memory into the outbox if it can, stops the deliveries, reports whole what
 *              is lost, counts what is left and closes the outbox (1 s each).
 *       │
 *     closed   flush() returns the last counts, or rejects when records were left.
 *
 * A process that ends an open meter (Node tells in two steps, which nothing that is killed reaches):
 *
 *     beforeExit  it has nothing else to do: what is recorded is sent, within 2 s, or 10 s where it
 *                 dies with the process. The event comes again after that: only new usage is sent again.
 *     exit        also after an error and `process.exit()`; nothing asynchronous runs any more. What
 *                 was deferred is written, and what is lost is reported whole.
 */
import type { Delivery } from '../delivery/delivery.ts'
import { flushDeliveries } from '../delivery/flush.ts'
import { moveIn } from '../environment/fallback-outbox.ts'
import { isRequestBound } from '../environment/runtime.ts'
import { FlushError, type OutboxError } from '../errors/errors.ts'
import { listenToProcess } from '../lib/runtime.ts'
import { settledWithin, valueBefore } from '../lib/timing.ts'
import type { Outbox } from '../outbox/outbox.ts'
import {
  type End,
  checkNothingIsLeft,
  checkNothingIsLost,
  lostCounts,
  lostRecords,
  noAnswer,
} from './losses.ts'
import type { UsageRecorder } from './recorder.ts'
import type { MeterStats } from './stats.ts'

export interface ShutdownOptions {
  readonly outbox: Outbox
  readonly recorder: UsageRecorder
  readonly deliveries: readonly Delivery[]
  readonly stats: () => Promise<MeterStats>
  readonly onError: (error: OutboxError) => void
  /** Nothing was started: until something is recorded, the end of the process has nothing to flush. */
  readonly isIdle: boolean
}

/** How long an ending process may take to deliver what it has, in ms. */
const durableExitMs = 2_000
const memoryExitMs = 10_000
/** How long an outbox may take to count what is left and to close, in ms each. */
const outboxMs = 1000
/** Flushes that begin this close together, in ms, have as good as the same deadline. */
const sameMomentMs = 10

interface RunningFlush {
  /** Appends that it covers. */
  readonly appendCount: number
  readonly timeoutMs: number
  readonly startedAt: number
  readonly done: Promise<MeterStats>
}

export class Shutdown {
  readonly #options: ShutdownOptions
  readonly #leaveProcess: () => void
  #running: RunningFlush | undefined
  /** The appends that the last flush at the end of the process covered. */
  #flushedAtExit: number | undefined
  #closing: Promise<void> | undefined
  /** The counts of a meter that is closed. */
  finalStats: MeterStats | undefined

  constructor(options: ShutdownOptions) {
    this.#options = options
    if (options.isIdle) this.#flushedAtExit = 0
    this.#leaveProcess = atExit({
      flush: () => this.#flushAtExit(),
      end: () => this.#end(),
    })
  }

  flush(timeoutMs: number): Promise<MeterStats> {
    return this.#closing === undefined
      ? this.#sharedFlush(timeoutMs)
      : this.#flushOfClosed(this.#closing, timeoutMs)
  }

  close(timeoutMs: number): Promise<void> {
    return (this.#closing ??= this.#closeNow(timeoutMs))
  }

  #sharedFlush(timeoutMs: number): Promise<MeterStats> {
    const { appendCount } = this.#options.recorder
    const running = this.#running
    if (
      running?.appendCount === appendCount &&
      running.timeoutMs === timeoutMs &&
      performance.now() - running.startedAt < sameMomentMs
    ) {
      return running.done
    }
    const done = this.#flushNow(timeoutMs)
    // Now and not before: the first one of a process can take longer than a moment to begin.
    const flushing = { appendCount, timeoutMs, startedAt: performance.now(), done }
    this.#running = flushing
    const over = () => {
      if (this.#running === flushing) this.#running = undefined
    }
    done.then(over, over)
    return done
  }

  async #flushNow(timeoutMs: number): Promise<MeterStats> {
    const { outbox, recorder, deliveries, stats } = this.#options
    const deadline = performance.now() + timeoutMs
    const { pendingReads } = recorder
    // What is here goes out first: what is still being read may take longer than there is time.
    await this.#deliver(timeoutMs)
    if (pendingReads.length > 0) {
      await waitForPendingReads(pendingReads, timeoutMs, deadline)
      await this.#deliver(Math.max(0, deadline - performance.now()))
    }
    const counted = await valueBefore(deadline, stats)
    if (counted === undefined) throw noAnswer(outbox, `flush() gave up after ${timeoutMs} ms`)
    for (const { arrival, sink } of deliveries)
      await arrival.notifyHeld(counted.value.sinks[sink.name])
    return counted.value
  }

  #deliver(timeoutMs: number): Promise<void> {
    const { outbox, recorder, deliveries } = this.#options
    return flushDeliveries(outbox, deliveries, timeoutMs, recorder.appended())
  }

  /** What `flush()` means once `close()` was called: how closing ended. Nothing more is sent. */
  async #flushOfClosed(closing: Promise<void>, timeoutMs: number): Promise<MeterStats> {
    if (await settledWithin(timeoutMs, closing)) await closing
    const stats = this.finalStats
    if (stats === undefined) {
      throw new FlushError(`flush() gave up after ${timeoutMs} ms: the meter is still closing`, {
        pending: {},
      })
    }
    checkNothingIsLeft(stats)
    return stats
  }

  async #closeNow(timeoutMs: number): Promise<void> {
    const { outbox, recorder, deliveries } = this.#options
    recorder.writeDeferred()
    // What is left is counted below, when nothing more can come.
    await this.#sharedFlush(timeoutMs).catch(() => {})
    recorder.close()
    await moveIn(outbox)
    await Promise.all(deliveries.map((delivery) => delivery.stop()))
    this.#reportLost('the meter was closed')
    try {
      this.finalStats = await this.#countAndClose()
    } finally {
      // Not before: a process that exits meanwhile says what it loses.
      if (!recorder.isAppending) this.#leaveProcess()
    }
  }

  /**
   * Closes the outbox, and returns the last counts of it.
   * @throws FlushError when it does not answer, or when records are lost with it; what it throws.
   */
  async #countAndClose(): Promise<MeterStats> {
    const { outbox, stats } = this.#options
    let counted: { readonly value: MeterStats } | undefined
    let lost: MeterStats['sinks'] | undefined
    let closed: { readonly value: void } | undefined
    try {
      counted = await valueBefore(performance.now() + outboxMs, stats)
      lost = counted && (await lostCounts(outbox, counted.value.sinks))
    } finally {
      closed = await valueBefore(performance.now() + outboxMs, () => outbox.close())
    }
    if (counted === undefined || closed === undefined) throw noAnswer(outbox, 'close() gave up')
    if (lost !== undefined) checkNothingIsLost(lost)
    return counted.value
  }

  async #flushAtExit(): Promise<void> {
    const { outbox, recorder } = this.#options
    recorder.writeDeferred()
    if (this.#flushedAtExit === recorder.appendCount && !recorder.isAppending) return
    this.#flushedAtExit = recorder.appendCount
    // What was not delivered was reported; a durable outbox keeps it for the next process.
    // What is still being read is not waited for: a process that ends has lost its connections.
    await this.#deliver(outbox.durable ? durableExitMs : memoryExitMs).catch(() => {})
    await moveIn(outbox)
    recorder.reportUnwritten()
  }

  #end(): void {
    const { recorder } = this.#options
    recorder.writeDeferred()
    recorder.reportUnwritten()
    this.#reportLost('the process ended')
  }

  #reportLost(end: End): void {
    const { outbox, deliveries, onError } = this.#options
    const sinks = deliveries.map(({ sink }) => sink.name)
    const lost = lostRecords(outbox, sinks, end)
    if (lost !== undefined) onError(lost)
  }
}

/**
 * Waits for usage that is still being read from responses which their callers have left.
 * @param pendingReads each ends when one of them has been read, however.
 * @param deadline when a flush of `timeoutMs` is over, by `performance.now()`.
 * @throws FlushError when it is over before.
 */
async function waitForPendingReads(
  pendingReads: readonly Promise<unknown>[],
  timeoutMs: number,
  deadline: number,
): Promise<void> {
  let left = pendingReads.length
  const over = () => void left--
  for (const read of pendingReads) read.then(over, over)
  await settledWithin(deadline - performance.now(), Promise.allSettled(pendingReads))
  if (left === 0) return
  const calls = left === 1 ? 'call is' : 'calls are'
  throw new FlushError(
    `flush() gave up after ${timeoutMs} ms: the usage of ${left} ${calls} still coming, from ` +
      'streams that were left before their end',
    { pending: {} },
  )
}

/** What an ending process still has to do. */
interface AtExit {
  /** Delivers what is left when the process has nothing else to do. Must give up by itself. */
  flush(): Promise<void>
  /** The very end, which an error and `process.exit()` reach too: nothing asynchronous runs now. */
  end(): void
}

const meters = new Set<AtExit>()

/** Runs `flush` on `beforeExit` and `end` on `exit`; no exit code changes. Returns how to undo it. */
function atExit(meter: AtExit): () => void {
  // A Worker has a `process` that never ends, and would keep the meter of every request.
  if (isRequestBound()) return () => {}
  // One listener for all: Node warns of a leak from the eleventh on.
  if (meters.size === 0 && !listenToProcess(listen)) return () => {}
  meters.add(meter)
  return () => {
    meters.delete(meter)
    if (meters.size > 0) return
    process.off('beforeExit', flushAll)
    process.off('exit', endAll)
  }
}

function listen(process: NodeJS.Process): void {
  process.on('beforeExit', flushAll)
  // Before an outbox that writes at its own end what it has by then.
  process.prependListener('exit', endAll)
}

function flushAll(): void {
  // What fails here must change no exit code.
  for (const meter of meters) void meter.flush().catch(() => {})
}

function endAll(): void {
  for (const meter of meters) {
    try {
      meter.end()
    } catch {
      // Nor keep the other meters from their end.
    }
  }
}
