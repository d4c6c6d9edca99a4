/**
 * UsageRecord[] -> events -> what became of each -> a result for each record, in order.
 *
 * A sink says what events a record has, and how events are sent; here is what all such sinks do alike:
 * which events are left to be sent, what is told of requests on the way, what becomes of the record.
 */
import { messageOf } from '../../errors/errors.ts'
import { type Refusal, uncertainRefusal } from '../../errors/refusal.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'
import type { Batch, BatchEntry } from '../batch.ts'
import type { EventsInFlight, RecordProgress, SendProgress } from '../send-progress.ts'
import type { Sink } from '../sink.ts'
import type { SinkResult } from '../sink-result.ts'
import { recordResult, type SentEvent } from './outcome.ts'

/** The entry of a record that somebody pays for. */
export type PayableEntry = BatchEntry & {
  readonly record: UsageRecord & { readonly customer: string }
}

/** What is to be sent of a record, or its result where nothing is sent now. */
export type Unsent<Event> = { readonly events: readonly Event[] } | { readonly result: SinkResult }

/** An event that waits to be sent, and what is known of its record. */
export interface QueuedEvent<Event> {
  readonly id: string
  readonly event: Event
  /** How often its record was claimed before. */
  readonly attempts: number
  /** Since when it may have arrived, in ms since the epoch; absent while it certainly has not. */
  readonly uncertainSince: number | undefined
}

/** How a sink makes events of records, and sends them. */
export interface EventSteps<Event> {
  /** The events of a record, those that arrived before among them. */
  eventsOf(entry: PayableEntry): Unsent<Event>
  /** The id by which the backend, and the outbox, know an event. */
  idOf(event: Event): string
  /** Sends events and says what became of each, in order. Never throws. */
  readonly sender: EventSender<Event>
  /** A reason in somebody else's words as it may be shown: without a key. */
  readable(reason: string): string
  /** The result of a record from what became of its events. @default `recordResult` */
  resultOf?(sent: readonly SentEvent[], entry: BatchEntry): SinkResult
}

export interface EventSender<Event> {
  /** @param begin to be called before each request: what is not begun certainly is not sent. */
  send(
    queued: readonly QueuedEvent<Event>[],
    signal: AbortSignal,
    begin: BeginRequest<Event>,
  ): Promise<readonly SentEvent[]>
}

/** What the outbox knows a sink by, and how many batches it takes. */
export type EventSinkSettings = Pick<
  Sink,
  'name' | 'livemode' | 'maxBatch' | 'maxConcurrentBatches' | 'close'
>

/** A sink that sends records as events. */
export function eventSink<Event>(settings: EventSinkSettings, steps: EventSteps<Event>): Sink {
  return {
    ...settings,
    reportsProgress: true,
    send: (batch, signal, progress) => sendBatch(batch, steps, signal, progress),
  }
}

/**
 * Sends a batch. Of what is unbilled nothing is sent, and it is accepted.
 * @param progress told of each request, and of each record as soon as its end is known.
 */
export async function sendBatch<Event>(
  { entries }: Batch,
  steps: EventSteps<Event>,
  signal: AbortSignal,
  progress?: SendProgress,
): Promise<readonly SinkResult[]> {
  const unsent = entries.map((entry) => ({ entry, ...unsentOf(entry, steps) }))
  const records = unsent.flatMap((each) => ('queued' in each ? [each] : []))
  const resultOf = (sent: readonly SentEvent[], entry: BatchEntry): SinkResult => {
    const shown = sent.map((each) => withReason(each, (reason) => steps.readable(reason)))
    return steps.resultOf?.(shown, entry) ?? recordResult(entry.deliveredEventIds, shown)
  }
  const { begin } = new EventProgress(records, resultOf, progress)
  const queued = records.flatMap((each) => each.queued)
  const sent = await steps.sender.send(queued, signal, begin)
  let next = 0
  return unsent.map((each): SinkResult => {
    if ('result' in each) return each.result
    return resultOf(sent.slice(next, (next += each.queued.length)), each.entry)
  })
}

/** The record is refused for good without having been sent. */
export function rejected(reason: string, why: Refusal = {}): { readonly result: SinkResult } {
  return { result: { status: 'rejected', reason, ...why } }
}

/** The result of a record of which no event can be made, such as where a function of the application throws. */
export function noEvent(
  { uncertainSince }: BatchEntry,
  error: unknown,
): { readonly result: SinkResult } {
  const why = uncertainSince === undefined ? { code: 'no_event' } : uncertainRefusal(uncertainSince)
  return rejected(`no event could be made of it: ${messageOf(error)}`, why)
}

function unsentOf<Event>(
  entry: BatchEntry,
  { eventsOf, idOf }: EventSteps<Event>,
): { readonly queued: readonly QueuedEvent<Event>[] } | { readonly result: SinkResult } {
  if (entry.record.unbilled !== undefined) return nothingOwed
  if (!isPayable(entry)) return rejected('nobody is named to bill it to: attribute it')
  const unsent = eventsOf(entry)
  if ('result' in unsent) return unsent
  const { attempts, deliveredEventIds } = entry
  const queued: QueuedEvent<Event>[] = []
  for (const event of unsent.events) {
    const id = idOf(event)
    if (deliveredEventIds.includes(id)) continue
    queued.push({ id, event, attempts, uncertainSince: uncertainSinceOf(entry, id) })
  }
  return { queued }
}

const nothingOwed = { result: { status: 'accepted' } } as const

function isPayable(entry: BatchEntry): entry is PayableEntry {
  return entry.record.customer !== null
}

function uncertainSinceOf(
  { uncertainSince, uncertainEventIds }: BatchEntry,
  eventId: string,
): number | undefined {
  const isOpen = uncertainEventIds === undefined || uncertainEventIds.includes(eventId)
  return isOpen ? uncertainSince : undefined
}

function withReason(sent: SentEvent, readable: (reason: string) => string): SentEvent {
  const { id, outcome } = sent
  if (outcome.status === 'accepted') return sent
  return { id, outcome: { ...outcome, reason: readable(outcome.reason) } }
}

/** One request with events, on its way. */
export interface EventRequest {
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
  answered(sent: readonly (SentEvent | undefined)[], isOver?: boolean): void
}

/** Marks events as in flight. Resolves when the outbox has that: not before may they go out. */
export type BeginRequest<Event> = (queued: readonly QueuedEvent<Event>[]) => Promise<EventRequest>

/** A record, and what is known of its events by now. */
interface Waiting<Event> {
  readonly entry: BatchEntry
  readonly queued: readonly QueuedEvent<Event>[]
  readonly sent: (SentEvent | undefined)[]
}

type ResultOf = (sent: readonly SentEvent[], entry: BatchEntry) => SinkResult

/** What becomes of events, told as what becomes of their records: each as soon as it is known. */
class EventProgress<Event> {
  readonly #resultOf: ResultOf
  readonly #progress: SendProgress | undefined
  readonly #records = new Map<QueuedEvent<Event>, Waiting<Event>>()

  constructor(
    records: readonly Pick<Waiting<Event>, 'entry' | 'queued'>[],
    resultOf: ResultOf,
    progress: SendProgress | undefined,
  ) {
    this.#resultOf = resultOf
    this.#progress = progress
    if (progress === undefined) return
    for (const { entry, queued } of records) {
      const waiting = { entry, queued, sent: queued.map(() => undefined) }
      for (const each of queued) this.#records.set(each, waiting)
    }
  }

  readonly begin: BeginRequest<Event> = async (queued) => {
    if (this.#progress === undefined) return { check: () => {}, answered: () => {} }
    const request = await this.#progress.sending(this.#parts(queued))
    return {
      check: () => request.check(),
      answered: (sent, isOver = areCertain(queued.length, sent)) => {
        const known = this.#learn(queued, sent)
        if (isOver) request.over(known)
        else this.#progress?.known(known)
      },
    }
  }

  /** Records of which all goes out together are named without their events: there are many. */
  #parts(queued: readonly QueuedEvent<Event>[]): readonly EventsInFlight[] {
    const byRecord = new Map<Waiting<Event>, string[]>()
    for (const each of queued) {
      const waiting = this.#records.get(each)
      if (waiting === undefined) continue
      const eventIds = byRecord.get(waiting) ?? []
      eventIds.push(each.id)
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

  #learn(
    queued: readonly QueuedEvent<Event>[],
    sent: readonly (SentEvent | undefined)[],
  ): RecordProgress[] {
    const touched = new Set<Waiting<Event>>()
    for (const [index, each] of queued.entries()) {
      const waiting = this.#records.get(each)
      const one = sent[index]
      if (waiting === undefined || one === undefined) continue
      waiting.sent[waiting.queued.indexOf(each)] = one
      touched.add(waiting)
    }
    return [...touched].map((waiting) => this.#known(waiting))
  }

  #known({ entry, sent }: Waiting<Event>): RecordProgress {
    const recordId = entry.record.id
    const known = sent.filter((one) => one !== undefined)
    if (known.length === sent.length) {
      const result = this.#resultOf(known, entry)
      if (result.status !== 'retry') return { recordId, result }
    }
    const accepted = known.filter(({ outcome }) => outcome.status === 'accepted')
    const deliveredEventIds = accepted.map(({ id }) => id)
    return { recordId, result: { status: 'retry', reason: 'in part', deliveredEventIds } }
  }
}

function areCertain(count: number, sent: readonly (SentEvent | undefined)[]): boolean {
  for (let index = 0; index < count; index++) {
    const { outcome } = sent[index] ?? {}
    if (outcome === undefined) return false
    if (outcome.status === 'retry' && outcome.uncertain === true) return false
  }
  return true
}
