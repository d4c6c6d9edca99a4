/**
 * How a sink comes to an outbox, before its first claim. The name of a sink keys its progress, so a
 * name that is not known may be a new sink or an old one that was renamed, which would get the whole
 * ledger again:
 *
 *     the name is known ────────────────────────────────────────> goes on where it was
 *     renamedFrom(a known name) ── a process still uses that ───> waits until none does
 *                               └─ nobody does ─────────────────> takes its place
 *     startingFrom(when) ───────────────────────────────────────> begins there
 *     no other sink of its kind is absent ──────────────────────> begins with everything kept
 *     one is ───────────────────────────────────────────────────> begins with what comes from now on;
 *                                                                 what was kept before is held, and told
 *     one was seen a moment ago, and cannot be looked up ───────> waits until it is seen again or absent
 *
 * Absent: known, not a sink of this meter, and not used by a living process. A sink that bills is
 * compared with those that bill, an observer with observers. What is held goes out or not by the same
 * three ways out, also later: `renamedFrom`, `startingFrom`, or `outbox.removeSink` of the absent one.
 */
import { HeldUsageError, type TokenMeterError } from '../errors/errors.ts'
import type { KnownSink, SinkMode } from '../outbox/known-sinks.ts'
import type { Outbox, SinkStats } from '../outbox/outbox.ts'
import type { Sink } from '../sink/sink.ts'
import { settledWithin } from '../lib/timing.ts'

/** How often a process says that it uses the sink, in ms. */
const attendEveryMs = 5_000
/** How long it may take to say that the sink is not used any more, in ms. */
const leaveMs = 200
/** How long a sink waits in silence for its old name to be used no more, in ms. */
const silentMs = 60_000
/** How often it is counted what is held, in ms, until that was notified. */
const countEveryMs = 60_000

/** What an arrival needs to know beside the sink. */
export interface ArrivalContext {
  readonly outbox: Outbox
  readonly mode: SinkMode
  /** All sinks of the meter. */
  readonly ownNames: readonly string[]
  readonly report: (error: TokenMeterError) => void
}

export class SinkArrival {
  readonly mode: SinkMode
  readonly #sink: Sink
  readonly #context: ArrivalContext
  /** When others were first seen that may be in use, by name. */
  readonly #seenAt = new Map<string, number>()
  readonly #madeAt = performance.now()
  #hasArrived = false
  #firstId: string | undefined
  #isNotified = false
  #attendedAt = Number.NEGATIVE_INFINITY
  #countedAt = Number.NEGATIVE_INFINITY

  constructor(sink: Sink, context: ArrivalContext) {
    this.#sink = sink
    this.mode = context.mode
    this.#context = context
  }

  /** What the outbox says of the sink may be other once it has arrived. */
  get isAwaited(): boolean {
    const { renamedFrom, startsAtMs } = this.#sink
    return !this.#hasArrived && (renamedFrom !== undefined || startsAtMs !== undefined)
  }

  /** This process has recorded something: it and what comes after it is nothing of before. */
  recorded(id: string | undefined): void {
    if (!this.#hasArrived) this.#firstId ??= id
  }

  /** True once the sink may claim; says now and then that it is in use. */
  async arrive(): Promise<boolean> {
    this.#hasArrived ||= await this.#begin()
    if (!this.#hasArrived) return false
    if (performance.now() - this.#attendedAt < attendEveryMs) return true
    const { outbox } = this.#context
    const { name, value } = this.#sink
    if ((await outbox.attend(name, this.mode, value)) === false) {
      this.#hasArrived = false
      return false
    }
    this.#attendedAt = performance.now()
    return true
  }

  /** Never rejects, and takes no long time: a sink that is not heard of is absent before long. */
  async leave(): Promise<void> {
    if (!this.#hasArrived) return
    const { outbox } = this.#context
    const leaving = new Promise((resolve) => resolve(outbox.leave(this.#sink.name)))
    await settledWithin(leaveMs, leaving)
  }

  /** Notifies once of what is held for the sink; asks the outbox now and then. */
  async poll(): Promise<void> {
    const now = performance.now()
    if (this.#isNotified || now - this.#countedAt < countEveryMs) return
    this.#countedAt = now
    await this.notifyHeld(await this.#context.outbox.stats(this.#sink.name))
  }

  /** The same, where the counts are known. */
  async notifyHeld(stats: SinkStats | undefined): Promise<void> {
    const held = stats?.held ?? 0
    if (this.#isNotified || held === 0) return
    this.#isNotified = true
    const { outbox, report } = this.#context
    const { name } = this.#sink
    const own = (await outbox.sinks()).find((known) => known.name === name)
    report(own?.heldFor === undefined ? heldTest(name, held) : heldOld(name, held, own.heldFor))
  }

  /** True once the outbox knows where the sink begins. */
  async #begin(): Promise<boolean> {
    const { name, startsAtMs, renamedFrom } = this.#sink
    const { outbox } = this.#context
    const known = await outbox.sinks()
    const own = known.find((sink) => sink.name === name)
    if (own?.renamedTo !== undefined && own.renamedTo !== renamedFrom) {
      this.#notifyRenamed(own.renamedTo)
      return false
    }
    const mayBegin = own === undefined || own.renamedTo !== undefined || own.heldFor !== undefined
    if (!mayBegin) return true
    const before = known.find((sink) => sink.name === renamedFrom && sink.renamedTo === undefined)
    if (before !== undefined && renamedFrom !== undefined) {
      if (this.#isAbsent(before) !== true) {
        this.#notifyWaiting(renamedFrom)
        return false
      }
      return await outbox.rename(renamedFrom, name)
    }
    if (startsAtMs !== undefined) {
      await outbox.registerSink(name, { sinceMs: startsAtMs })
      return true
    }
    if (own !== undefined) return true
    const others = known.filter((sink) => this.#mayBeThis(sink))
    const absent = others.filter((sink) => this.#isAbsent(sink) === true)
    if (absent.length > 0) {
      const names = absent.map((sink) => sink.name)
      await outbox.registerSink(name, { heldFor: names, beforeId: this.#firstId })
      return true
    }
    return others.every((sink) => this.#isAbsent(sink) === false)
  }

  #mayBeThis({ name, mode, renamedTo }: KnownSink): boolean {
    const { ownNames } = this.#context
    if (ownNames.includes(name) || renamedTo !== undefined) return false
    if (mode === 'books') return false
    return mode === undefined || (mode === 'observer') === (this.mode === 'observer')
  }

  /** Nothing while it cannot be said: it was seen, and will be seen again if it is in use. */
  #isAbsent({ name, inUse, seenAt = 0 }: KnownSink): boolean | undefined {
    if (inUse !== undefined) return !inUse
    const first = this.#seenAt.get(name)
    if (first === undefined) this.#seenAt.set(name, seenAt)
    return first !== undefined && seenAt > first ? false : undefined
  }

  #notifyWaiting(before: string): void {
    if (this.#isNotified || performance.now() - this.#madeAt < silentMs) return
    this.#isNotified = true
    const { name } = this.#sink
    this.#context.report(
      new HeldUsageError(
        `the sink "${name}" sends nothing yet: it takes the place of "${before}", which a process still ` +
          'uses. It begins when none does: end that process, or deploy it with the new name',
        { sink: name, held: 0, reason: 'renamed' },
      ),
    )
  }

  #notifyRenamed(now: string): void {
    if (this.#isNotified) return
    this.#isNotified = true
    const { name } = this.#sink
    this.#context.report(
      new HeldUsageError(
        `the sink "${name}" was renamed to "${now}" in ${this.#context.outbox.description}, and sends ` +
          `nothing under its old name. Name it "${now}"; or renamedFrom(sink, "${now}") to go back; or ` +
          `outbox.removeSink("${name}") where it is another sink now`,
        { sink: name, held: 0, reason: 'renamed' },
      ),
    )
  }
}

function heldTest(sink: string, held: number): HeldUsageError {
  return new HeldUsageError(
    `${held} record(s) of test usage are held back from the live sink "${sink}": they were recorded ` +
      'under a test key or TOKEN_METER_MODE=test, or by a meter from the environment before there was ' +
      `a billing backend. outbox.release("${sink}") sends them, outbox.drop("${sink}") gives them up; ` +
      'both take ids, to choose. Where the sink is a sandbox, give it livemode: false',
    { sink, held, reason: 'test-usage' },
  )
}

function heldOld(sink: string, held: number, absent: readonly string[]): HeldUsageError {
  const names = absent.map((name) => `"${name}"`).join(', ')
  const [old = ''] = absent
  return new HeldUsageError(
    `the sink "${sink}" is new beside ${names}, which nobody uses any more, so ${held} record(s) of ` +
      'before it are held back: if it is the same under a new name they would be billed again. Say ' +
      `what it is: renamedFrom(sink, "${old}") goes on where that one was; startingFrom(sink, when) ` +
      `begins at a time; outbox.removeSink("${old}") sends it everything that is kept`,
    { sink, held, reason: 'new-sink-name' },
  )
}
