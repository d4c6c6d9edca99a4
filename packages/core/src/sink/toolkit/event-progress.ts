import type { BatchEntry } from '../batch.ts'
import type { EventsInFlight, RecordProgress, SendProgress } from '../send-progress.ts'
import type { SinkResult } from '../sink.ts'

/** One request with events, on its way. */
export interface EventRequest<Sent> {
  /**
   * Right before it is handed to the network, with nothing awaited in between.
   * @throws when nothing of it may be sent: the claim has ended, or nobody waits any more.
   */
  check(): void
  /**
   * What became of its events, in order; none where that is still open, as for those that are sent
   * again in other requests.
   * @param isOver nothing of it may still arrive, or may have without being known. @default all are
   *   known, and none is uncertain
   */
  answered(sent: readonly (Sent | undefined)[], isOver?: boolean): void
}

/** To be called before each request: what is not begun certainly is not sent. */
export type BeginRequest<Queued, Sent> = (queued: readonly Queued[]) => Promise<EventRequest<Sent>>

/** How the events of a sink are told apart, and what their outcomes mean. */
export interface ProgressSteps<Queued, Sent> {
  idOf(queued: Queued): string
  outcomeOf(sent: Sent): { readonly status: SinkResult['status']; readonly uncertain?: true }
  resultOf(sent: readonly Sent[], entry: BatchEntry): SinkResult
}

/** A record, and what is known of its events by now. */
interface Waiting<Queued, Sent> {
  readonly entry: BatchEntry
  readonly queued: readonly Queued[]
  readonly sent: (Sent | undefined)[]
}

/** What becomes of events, as what becomes of their records: each as soon as it is known. */
export class EventProgress<Queued, Sent> {
  readonly #steps: ProgressSteps<Queued, Sent>
  readonly #progress: SendProgress | undefined
  readonly #records = new Map<Queued, Waiting<Queued, Sent>>()

  constructor(
    steps: ProgressSteps<Queued, Sent>,
    progress: SendProgress | undefined,
    records: readonly { readonly entry: BatchEntry; readonly queued: readonly Queued[] }[],
  ) {
    this.#steps = steps
    this.#progress = progress
    if (progress === undefined) return
    for (const { entry, queued } of records) {
      const waiting = { entry, queued, sent: queued.map(() => undefined) }
      for (const each of queued) this.#records.set(each, waiting)
    }
  }

  readonly begin: BeginRequest<Queued, Sent> = async (queued) => {
    if (this.#progress === undefined) return { check: () => {}, answered: () => {} }
    const request = await this.#progress.sending(this.#parts(queued))
    return {
      check: () => request.check(),
      answered: (sent, isOver = this.#areCertain(queued, sent)) => {
        const known = this.#learn(queued, sent)
        if (isOver) request.over(known)
        else this.#progress?.known(known)
      },
    }
  }

  /** Records of which all goes out together are named without their events: there are many. */
  #parts(queued: readonly Queued[]): readonly EventsInFlight[] {
    const byRecord = new Map<Waiting<Queued, Sent>, string[]>()
    for (const each of queued) {
      const waiting = this.#records.get(each)
      if (waiting === undefined) continue
      const eventIds = byRecord.get(waiting) ?? []
      eventIds.push(this.#steps.idOf(each))
      byRecord.set(waiting, eventIds)
    }
    const whole: string[] = []
    const parts: EventsInFlight[] = []
    for (const [{ entry, queued: all }, eventIds] of byRecord) {
      const recordId = entry.record.id
      if (eventIds.length === all.length) whole.push(recordId)
      else parts.push({ recordIds: [recordId], eventIds })
    }
    return whole.length > 0 ? [{ recordIds: whole }, ...parts] : parts
  }

  #areCertain(queued: readonly Queued[], sent: readonly (Sent | undefined)[]): boolean {
    return queued.every((_, index) => {
      const one = sent[index]
      return one !== undefined && this.#steps.outcomeOf(one).uncertain !== true
    })
  }

  #learn(queued: readonly Queued[], sent: readonly (Sent | undefined)[]): RecordProgress[] {
    const touched = new Set<Waiting<Queued, Sent>>()
    for (const [index, each] of queued.entries()) {
      const waiting = this.#records.get(each)
      const one = sent[index]
      if (waiting === undefined || one === undefined) continue
      waiting.sent[waiting.queued.indexOf(each)] = one
      touched.add(waiting)
    }
    return [...touched].map((waiting) => this.#known(waiting))
  }

  #known({ entry, queued, sent }: Waiting<Queued, Sent>): RecordProgress {
    const recordId = entry.record.id
    const known = sent.filter((one) => one !== undefined)
    if (known.length === sent.length) {
      const result = this.#steps.resultOf(known, entry)
      if (result.status !== 'retry') return { recordId, result }
    }
    const deliveredEventIds = queued.flatMap((each, index) => {
      const one = sent[index]
      const isThere = one !== undefined && this.#steps.outcomeOf(one).status === 'accepted'
      return isThere ? this.#steps.idOf(each) : []
    })
    return { recordId, result: { status: 'retry', reason: 'in part', deliveredEventIds } }
  }
}

/**
 * When an event of a record may first have arrived, in ms since the epoch; `undefined` while it
 * certainly has not.
 */
export function uncertainSinceOf(entry: BatchEntry, eventId: string): number | undefined {
  const { uncertainSince, uncertainEventIds } = entry
  const isOpen = uncertainEventIds === undefined || uncertainEventIds.includes(eventId)
  return isOpen ? uncertainSince : undefined
}
