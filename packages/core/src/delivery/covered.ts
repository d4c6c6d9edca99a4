/**
 * What prepaid credit has paid for goes to no sink that bills. The books of credits stand beside the
 * records, in any process, and are known to the outbox as a sink of the mode `books`; what they made of
 * a record is its state there:
 *
 *     covered                       an account has paid for it: settled with the code `covered`
 *     delivered, discarded          it is nothing of an account's, or of one that a backend bills
 *     from before the books began   the same
 *     pending, dead, held           not decided yet: it waits, whoever delivers
 *
 * So who delivers needs no books of its own, and can bill nothing that is paid for: where nobody keeps
 * the books any more, records wait, and that is told.
 */
import { sleep } from '../lib/timing.ts'
import type { Outbox, RecordState } from '../outbox/outbox.ts'
import { coveredCode } from '../outbox/rules.ts'
import type { BatchEntry } from '../sink/batch.ts'
import type { Sink } from '../sink/sink.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import { withSend } from '../sink/with-send.ts'

/** How long a batch of which nothing is decided waits for the books, in ms, before it does so in the outbox. */
const waitsMs = [20, 40, 80, 160]
/** How long records wait in the outbox, in ms: doubled each time. */
const againMs = { first: 100, max: 5_000 }
/** How long nothing is told of what waits, in ms, and then again. */
const silentMs = 60_000
const toldEveryMs = 60 * 60_000

/** Told of records that have waited for long. */
export type CoverFault = (sink: string, what: string) => void

type Decision = 'covered' | 'billed' | 'open' | 'held'

/** A sink that gets only what is not paid for. */
export function sinkOfUncovered(sink: Sink, outbox: Outbox, fault: CoverFault): Sink {
  const books = new BooksBeside(outbox)
  const told = new LongWait(sink.name, fault)
  return withSend(sink, async (batch, signal, progress) => {
    const decisions = await books.decide(batch.entries, signal)
    if (decisions === undefined) return await sink.send(batch, signal, progress)
    told.note(decisions)
    const entries = batch.entries.filter((_, index) => decisions[index] === 'billed')
    const results = (
      entries.length === 0 ? [] : await sink.send({ ...batch, entries }, signal, progress)
    ).values()
    return batch.entries.map((entry, index): SinkResult => {
      const decision = decisions[index]
      if (decision === 'billed') return results.next().value as SinkResult
      if (decision === 'covered') return { status: 'accepted', code: coveredCode }
      return notDecided(entry, decision === 'held')
    })
  })
}

function notDecided({ attempts }: BatchEntry, isHeld: boolean): SinkResult {
  const afterMs = Math.min(againMs.max, againMs.first * 2 ** Math.min(attempts, 10))
  const reason = isHeld
    ? 'it is test usage that is held back from the books of prepaid credit: release it there too'
    : 'the books of prepaid credit have not seen it yet'
  return { status: 'retry', reason, afterMs, recordOnly: true }
}

class BooksBeside {
  readonly #outbox: Outbox
  #name: string | undefined

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  /** Nothing where there are no books. Asked after the claim: books that begin later begin behind it. */
  async decide(
    entries: readonly BatchEntry[],
    signal: AbortSignal,
  ): Promise<readonly Decision[] | undefined> {
    this.#name ??= await this.#find()
    if (this.#name === undefined) return undefined
    const ids = entries.map(({ record }) => record.id)
    for (const waitMs of [...waitsMs, undefined]) {
      const decisions = (await this.#outbox.statesOf(this.#name, ids)).map(decisionOf)
      // What is decided does not wait for the rest.
      const isAnyDecided = decisions.some((decision) => decision !== 'open')
      if (isAnyDecided || waitMs === undefined || signal.aborted)
        return await this.#checked(decisions)
      await sleep(waitMs, { signal })
    }
    return undefined
  }

  /** Books that were removed decide nothing any more. */
  async #checked(decisions: readonly Decision[]): Promise<readonly Decision[] | undefined> {
    if (decisions.every((one) => one === 'billed' || one === 'covered')) return decisions
    this.#name = await this.#find()
    return this.#name === undefined ? undefined : decisions
  }

  async #find(): Promise<string | undefined> {
    const known = await this.#outbox.sinks()
    return known.find(({ mode }) => mode === 'books')?.name
  }
}

function decisionOf(state: RecordState | undefined): Decision {
  if (state === undefined || state === 'delivered' || state === 'discarded') return 'billed'
  if (state === 'covered' || state === 'held') return state
  return 'open'
}

/** Tells once in a while of records that wait for long. */
class LongWait {
  readonly #sink: string
  readonly #fault: CoverFault
  #since: number | undefined
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(sink: string, fault: CoverFault) {
    this.#sink = sink
    this.#fault = fault
  }

  note(decisions: readonly Decision[]): void {
    const open = decisions.filter((decision) => decision === 'open').length
    const now = performance.now()
    if (open === 0) this.#since = undefined
    else this.#since ??= now
    if (this.#since === undefined || now - this.#since < silentMs) return
    if (now - this.#toldAt < toldEveryMs) return
    this.#toldAt = now
    this.#fault(
      this.#sink,
      `${open} or more record(s) wait, because the books of prepaid credit have not seen them: whether ` +
        'their customers have paid for them already is not known. A process has to keep the books: one ' +
        'with createCredits({ outbox }) of @token-meter/credits on this outbox. Where credit is given up ' +
        'for good, outbox.removeSink("credits") lets them go',
    )
  }
}
