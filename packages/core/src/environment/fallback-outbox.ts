import { OutboxError, type TokenMeterError, messageOf } from '../errors/errors.ts'
import { isNextBuild } from '../lib/runtime.ts'
import { isBusy } from '../outbox/busy.ts'
import { type TemporaryOutbox, temporaryOutbox } from '../outbox/memory/memory-outbox.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { duplicateIds } from '../outbox/taken-id.ts'
import { appendBeside, JoinedPositions, TwoOutboxes, type WholeOutbox } from './two-outboxes.ts'
import { isRequestBound } from './runtime.ts'

export interface FallbackOptions {
  /** What is tried, for people; without a password. */
  readonly name: string
  /** Makes the outbox, or throws why it cannot be used now. */
  readonly open: () => Outbox
  readonly report: (error: TokenMeterError) => void
  /** How many records memory holds. */
  readonly maxRecords?: number
}

const defaultMaxRecords = 10_000
/** How soon it is tried again, in ms; doubled each time. */
const againMs = { first: 1000, max: 60_000 }
/** How long a failure is not reported again, in ms. */
const throttleMs = 60 * 60_000
/** Records that move at a time. */
const maxMoved = 500
/**
 * An outbox that cannot be opened, or written, must not fail the call that it should keep usage of:
 *
 *     closed off  `open` throws. Usage is kept in memory and delivered from there; it is reported, and
 *                 tried again after 1 s, 2 s, ... 60 s.
 *     open        usage is kept in the outbox; memory is empty, or has only what a sink may have.
 *     failing     open, and an append threw. As closed off, with the outbox still delivering its own.
 *     moving      out of the two others, when it can be written: what no sink has anything of goes into
 *                 the outbox under the ids that it has. Memory is not claimed from meanwhile.
 *
 * A process that is killed while it moves leaves a record in the outbox once or, where it had not come
 * to it, loses it as it said. What a sink may have is delivered from memory to its end, because only
 * memory knows what.
 */
export class FallbackOutbox extends TwoOutboxes implements WholeOutbox {
  readonly #options: FallbackOptions
  readonly inMemory: TemporaryOutbox
  protected kept: Outbox | undefined
  /** It is open and could not be written: usage is kept in memory until it can. */
  #isFailing = false
  #moving = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #nextMs = againMs.first
  #reportedAt = Number.NEGATIVE_INFINITY
  #closed = false
  readonly #positions = new JoinedPositions()
  /** What was asked of memory before the outbox could be asked. */
  readonly #registered = new Map<string, number>()
  /** Sinks that came while the outbox could not be asked: what it has for them, they have to see. */
  readonly #early = new Set<string>()
  /** Until the outbox knows it, nothing is claimed from it. */
  #registering = false

  constructor(options: FallbackOptions) {
    super()
    this.#options = options
    this.inMemory = temporaryOutbox({}, options.maxRecords ?? defaultMaxRecords)
    // There it is made when something is to be kept.
    if (!isNextBuild()) this.#tryOpen()
  }

  get description(): string {
    const { name } = this.#options
    return this.kept?.description ?? `memory, until ${name} can be used`
  }

  get durable(): boolean {
    return this.kept !== undefined
  }

  prepare = (): void | Promise<void> => this.kept?.prepare?.()

  /** What is open in memory would be gone with the process, as all of it is. */
  open: WholeOutbox['open'] = (...opening) => this.kept?.open?.(...opening)

  append: Outbox['append'] = (records, options) => {
    if (this.kept === undefined && isNextBuild()) this.#tryOpen()
    if (this.kept !== undefined && !this.#isFailing) {
      try {
        const beside = this.inMemory.isEmpty ? undefined : this.inMemory
        return appendBeside(this.kept, beside, records, options)
      } catch (cause) {
        if (this.#closed) throw cause
        this.#isFailing = true
        this.#failed(cause)
      }
    }
    this.#tryLater()
    // Refused, with the records, where it is full.
    return appendBeside(this.inMemory, this.kept, records, options)
  }

  claim: Outbox['claim'] = (sink, ...rest) => {
    const batch = this.#moving || this.#rests ? undefined : this.inMemory.claim(sink, ...rest)
    if (batch !== undefined) return batch
    if (this.#registering || this.#early.has(sink)) return undefined
    return this.kept?.claim(sink, ...rest)
  }

  position: Outbox['position'] = async () => {
    const inMemory = await this.inMemory.position()
    const kept = await this.#unlessItFails((outbox) => outbox.position(), 0)
    return this.#positions.add(inMemory, kept)
  }

  isSettled: Outbox['isSettled'] = async (sink, position) => {
    const both = this.#positions.get(position)
    if (this.#moving || both === undefined) return false
    if (!(await this.inMemory.isSettled(sink, both.inMemory))) return false
    return await this.#unlessItFails((outbox) => outbox.isSettled(sink, both.kept), true)
  }

  /** That it cannot be used is told already, and no reason not to deliver what is in memory. */
  async #unlessItFails<Value>(
    ask: (outbox: Outbox) => Value | Promise<Value>,
    instead: Value,
  ): Promise<Value> {
    if (this.kept === undefined) return instead
    try {
      return await ask(this.kept)
    } catch (cause) {
      if (!this.#isFailing || isBusy(cause)) throw cause
      return instead
    }
  }

  nextDueAt: Outbox['nextDueAt'] = async (sink) => {
    const inMemory = this.#moving || this.#rests ? undefined : await this.inMemory.nextDueAt(sink)
    if (inMemory !== undefined && inMemory <= Date.now()) return inMemory
    const kept = await this.kept?.nextDueAt(sink)
    if (inMemory === undefined || kept === undefined) return inMemory ?? kept
    return Math.min(inMemory, kept)
  }

  /** What is in memory is of this process, and nothing of before a sink. */
  sinks: Outbox['sinks'] = async () => {
    const inMemory = await this.inMemory.sinks()
    return await this.#unlessItFails((outbox) => outbox.sinks(), inMemory)
  }

  attend: Outbox['attend'] = async (sink, mode, value) => {
    await this.inMemory.attend(sink, mode, value)
    const isKept = await this.#unlessItFails(async (outbox) => {
      if (this.#early.has(sink)) await outbox.sinks()
      else await outbox.attend(sink, mode, value)
      return true
    }, false)
    if (!isKept) this.#early.add(sink)
    return !isKept || !this.#early.delete(sink)
  }

  leave: Outbox['leave'] = async (sink) => {
    await this.inMemory.leave(sink)
    await this.#unlessItFails((outbox) => outbox.leave(sink), undefined)
  }

  registerSink: Outbox['registerSink'] = async (sink, start) => {
    const { sinceMs = -Infinity } = start
    const isNew = await this.inMemory.registerSink(sink, { sinceMs })
    if (this.kept !== undefined) return await this.kept.registerSink(sink, start)
    if (isNew) this.#registered.set(sink, sinceMs)
    return isNew
  }

  removeSink: Outbox['removeSink'] = (sink) => {
    this.#registered.delete(sink)
    this.#early.delete(sink)
    return this.both(
      (outbox) => outbox.removeSink(sink),
      (a, b) => a || b,
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.inMemory.close()
    await this.kept?.close()
  }

  /** Nothing is in memory, which then needs not be asked. */
  get #rests(): boolean {
    return this.inMemory.isEmpty && this.kept !== undefined
  }

  #tryOpen(): void {
    try {
      const outbox = this.#options.open()
      outbox.onFault?.((error) => this.#options.report(error))
      this.kept = outbox
      this.#registering = this.#registered.size > 0
    } catch (cause) {
      this.#failed(cause)
    }
  }

  /** A sink that begins with some moment must not be given what the outbox had before it. */
  async #registerAgain(outbox: Outbox): Promise<void> {
    for (const [sink, sinceMs] of this.#registered) await outbox.registerSink(sink, { sinceMs })
    this.#registered.clear()
    this.#registering = false
  }

  #failed(cause: unknown): void {
    this.#tryLater()
    const now = performance.now()
    if (now - this.#reportedAt < throttleMs) return
    this.#reportedAt = now
    const { name, report } = this.#options
    report(
      new OutboxError(
        `usage is kept in memory and is lost with the process, because ${name} cannot be used: ` +
          `${messageOf(cause)} Where the path is at fault, set TOKEN_METER_OUTBOX to one that can be ` +
          'written. It is tried again, and what is in memory then moves in.',
        { cause },
      ),
    )
  }

  #tryLater(): void {
    if (this.#timer !== undefined || this.#closed || isRequestBound()) return
    this.#timer = setTimeout(() => void this.#tryAgain(), this.#nextMs)
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  async #tryAgain(): Promise<void> {
    this.#nextMs = Math.min(againMs.max, this.#nextMs * 2)
    await this.moveIn()
    this.#timer = undefined
    // What a sink was being sent can move when it is known not to have arrived.
    if (this.kept === undefined || this.#isFailing || this.#registering || this.inMemory.waits)
      this.#tryLater()
    else this.#nextMs = againMs.first
  }

  /** Tries whether what is in memory can move. Never rejects: what fails is told. */
  async moveIn(): Promise<void> {
    if (this.#rests && !this.#isFailing && !this.#registering) return
    try {
      await this.#moveInNow()
    } catch (cause) {
      this.#failed(cause)
    }
  }

  async #moveInNow(): Promise<void> {
    if (this.kept === undefined) this.#tryOpen()
    const outbox = this.kept
    if (outbox === undefined || this.#moving) return
    this.#moving = true
    try {
      if (this.#registering) await this.#registerAgain(outbox)
      if (this.#isFailing) await outbox.append([])
      for (;;) {
        const records = this.inMemory.untouched(maxMoved)
        if (records.length === 0) break
        const taken = await outbox.append(records)
        const others = taken && duplicateIds(taken)
        if (others !== undefined) this.#options.report(others)
        this.inMemory.remove(records.map(({ id }) => id))
        this.moved += records.length
      }
      this.#isFailing = false
      this.#positions.raiseKept(await outbox.position())
    } finally {
      this.#moving = false
    }
  }
}

/** What of an outbox dies with the process; nothing where all of it outlives it. */
export function perishablePart(outbox: Outbox): Outbox | undefined {
  if (outbox instanceof FallbackOutbox) return outbox.inMemory
  return outbox.durable ? undefined : outbox
}

/** What is in memory because the outbox could not be used moves in, if it can be now. Never rejects. */
export async function moveIn(outbox: Outbox): Promise<void> {
  if (outbox instanceof FallbackOutbox) await outbox.moveIn()
}
