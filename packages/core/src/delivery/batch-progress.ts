import type { Batch, BatchEntry, BatchMarks } from '../sink/batch.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type {
  EventsInFlight,
  RecordProgress,
  RequestInFlight,
  SendProgress,
} from '../sink/send-progress.ts'
import type { Sink } from '../sink/sink.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import { sleep, Timer, yieldToEventLoop } from '../lib/timing.ts'
import { busyPauseMs, isBusy } from '../outbox/busy.ts'
import { checkedResult } from './results.ts'

/**
 * How long what is known waits for a write that has to be made anyway, in ms: that of the next
 * request, or of the end of the batch.
 */
const knownWaitsMs = 20

interface Begun {
  readonly request: number
  readonly parts: readonly EventsInFlight[]
  readonly written: () => void
  readonly failed: (cause: unknown) => void
}

/** What may have arrived of a record by requests that have no clear answer yet. */
export interface InFlight {
  /** Absent: any of its events. */
  readonly eventIds?: readonly string[]
  readonly sumId?: string
}

export interface BatchProgressOptions {
  readonly outbox: Outbox
  readonly batch: Batch
  readonly lease: LeaseTime
  readonly signal: AbortSignal
  /** Notified of records that have come to their end, in the outbox too. */
  readonly ended: (entries: readonly BatchEntry[], results: readonly SinkResult[]) => void
}

/**
 * What a sink says while it sends a batch, on its way to the outbox. All that is said in one turn of
 * the event loop, and while a write is under way, goes together in one write. Before a request goes
 * out, what is known by then is written with its mark, so there are never more marks than requests
 * that can be in flight.
 *
 *     sending ──written──> check ──> in flight ──over──> nothing of it is uncertain any more
 *
 * Whether something is in flight counts from `check`, behind which the sink sends; what the outbox has
 * can only be more.
 */
export class BatchProgress implements SendProgress {
  readonly #sink: Sink
  readonly #options: BatchProgressOptions
  readonly #entries: ReadonlyMap<string, BatchEntry>
  #lastRequest = 0
  #begun: Begun[] = []
  #over: number[] = []
  #known: RecordProgress[] = []
  readonly #inFlight = new Map<number, readonly EventsInFlight[]>()
  readonly #results = new Map<string, SinkResult>()
  readonly #arrived = new Map<string, readonly string[]>()
  /** Records whose end the outbox has. */
  readonly #written = new Set<string>()
  #writing: Promise<void> | undefined
  /** Something was said since the last write began. */
  #isWanted = false
  readonly #timer = new Timer(() => this.#writeSoon())
  #isLost = false
  #isClosed = false

  constructor(sink: Sink, options: BatchProgressOptions) {
    this.#sink = sink
    this.#options = options
    this.#entries = new Map(options.batch.entries.map((entry) => [entry.record.id, entry]))
  }

  async sending(parts: readonly EventsInFlight[]): Promise<RequestInFlight> {
    this.check()
    const request = ++this.#lastRequest
    await new Promise<void>((written, failed) => {
      this.#begun.push({ request, parts, written, failed })
      this.#writeSoon()
    })
    return {
      check: () => {
        try {
          this.check()
          this.#options.signal.throwIfAborted()
        } catch (cause) {
          this.#end(request)
          throw cause
        }
        this.#inFlight.set(request, parts)
      },
      over: (known = []) => this.#end(request, known),
    }
  }

  known(known: readonly RecordProgress[]): void {
    if (this.#isClosed || known.length === 0) return
    for (const { recordId, result: given } of known) {
      if (!this.#entries.has(recordId) || this.#results.has(recordId)) continue
      const result = checkedResult(this.#sink.name, given)
      if (result.status === 'retry') {
        const events = [...(this.#arrived.get(recordId) ?? []), ...(result.deliveredEventIds ?? [])]
        if (events.length === 0) continue
        this.#arrived.set(recordId, [...new Set(events)])
      } else this.#results.set(recordId, result)
      this.#known.push({ recordId, result })
    }
    this.#writeLater()
  }

  /** @throws LeaseOverError when nothing more of the batch may be sent. */
  check(): void {
    if (this.#isClosed || this.#isLost || this.#options.lease.isOver()) throw new LeaseOverError()
  }

  /** How a record has ended, if it has. */
  resultOf(recordId: string): SinkResult | undefined {
    return this.#results.get(recordId)
  }

  /** Events of a record that arrived. */
  arrivedOf(recordId: string): readonly string[] {
    return this.#arrived.get(recordId) ?? []
  }

  /** What is in flight of a record. */
  inFlightOf(recordId: string): InFlight | undefined {
    const parts = [...this.#inFlight.values()]
      .flat()
      .filter(({ recordIds }) => recordIds.includes(recordId))
    const [first] = parts
    if (first === undefined) return undefined
    const { sumId } = first
    const isAny = parts.some(({ eventIds }) => eventIds === undefined)
    const eventIds = [...new Set(parts.flatMap((part) => part.eventIds ?? []))]
    return { ...(!isAny && { eventIds }), ...(sumId !== undefined && { sumId }) }
  }

  /** Takes nothing more, and resolves when nothing is being written any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer.clear()
    for (const { failed } of this.#begun.splice(0)) failed(new LeaseOverError())
    await this.#writing
  }

  /** Whether the outbox has the end of a record. */
  isWritten(recordId: string): boolean {
    return this.#written.has(recordId)
  }

  #end(request: number, known: readonly RecordProgress[] = []): void {
    if (this.#isClosed) return
    this.#inFlight.delete(request)
    // Never without what is known by it: its events would count as certainly not sent.
    this.#over.push(request)
    this.known(known)
    this.#writeLater()
  }

  #writeLater(): void {
    if (!this.#isClosed) this.#timer.scheduleWithin(knownWaitsMs)
  }

  #writeSoon(): void {
    this.#isWanted = true
    if (this.#isClosed || this.#writing !== undefined) return
    this.#writing = yieldToEventLoop()
      .then(() => this.#writeAll())
      .finally(() => {
        this.#writing = undefined
        // Something was said after the last write began.
        if (this.#isWanted) this.#writeSoon()
      })
  }

  async #writeAll(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false
      this.#timer.clear()
      const begun = this.#begun.splice(0)
      const over = this.#over.splice(0)
      const known = this.#known.splice(0)
      const sending = begun.map(({ request, parts }) => ({ request, parts }))
      try {
        if (this.#isClosed || !(await this.#write({ sending, over, known }))) {
          this.#isLost = true
          throw new LeaseOverError()
        }
      } catch (cause) {
        for (const { failed } of begun) failed(cause)
        // With the next write, or with the end of the batch.
        this.#over.unshift(...over)
        this.#known.unshift(...known)
        return
      }
      this.#notify(known)
      for (const { written } of begun) written()
    }
  }

  /** Waits for a busy outbox as long as the claim lasts. */
  async #write(marks: BatchMarks): Promise<boolean> {
    const { outbox, batch, lease, signal } = this.#options
    for (;;) {
      try {
        return await outbox.mark(batch, marks)
      } catch (cause) {
        if (!isBusy(cause) || signal.aborted || lease.isOver()) throw cause
      }
      await sleep(busyPauseMs(), { signal })
    }
  }

  #notify(known: readonly RecordProgress[]): void {
    const ended = known.filter(({ result }) => result.status !== 'retry')
    if (ended.length === 0) return
    for (const { recordId } of ended) this.#written.add(recordId)
    this.#options.ended(
      ended.flatMap(({ recordId }) => this.#entries.get(recordId) ?? []),
      ended.map(({ result }) => result),
    )
  }
}

/** The claim of a batch is over, or is another worker's: nothing more of it may be sent from here. */
export class LeaseOverError extends Error {
  constructor() {
    super('the claim of the batch is over: this process stood still, or another worker has it')
  }
}

/**
 * How long a claim lasts, by both clocks of this process, from before it was asked for: the one that
 * never jumps stands still while some machines sleep, and the time of the day can be set.
 */
export class LeaseTime {
  readonly #startedAt = performance.now()
  readonly #startedAtMs = Date.now()
  readonly #leaseMs: number

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  isOver(): boolean {
    return (
      performance.now() - this.#startedAt >= this.#leaseMs ||
      Date.now() - this.#startedAtMs >= this.#leaseMs
    )
  }
}
