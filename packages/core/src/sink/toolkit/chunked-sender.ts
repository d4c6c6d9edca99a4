/**
 * Events -> requests of a backend, and what became of each event: the one way in which sinks send.
 *
 *     waiting ──turn, marks──> sent ──taken────────────> accepted
 *        ▲                      │ ├──refused, alone────> rejected
 *        │                      │ ├──judged────────────> some accepted or rejected, the others again
 *        │                      │ └──failed────────────> to be sent again: retry
 *        └──── in halves ◄──────┴──refused with others, or failed where one may be to blame
 *
 * - **A turn**: its lane is free, a slot, and the rate allows it. Without slots one request of a send
 *   goes after the other.
 * - **Marks** before sending: `begin` has the outbox write what goes out, `check` is the last word
 *   before the network. So what is under way when the process dies, or the wait is over, is uncertain,
 *   and everything else certainly was not sent.
 * - **Halves** find the event that a refusal is about. A backend that fails is halved only where that
 *   may be the fault of one event, and until so many parts have failed that it is none's.
 * - **The circuit breaker** opens when nothing will go through: what is not sent then shares the reason,
 *   and an outage costs a few requests and not a timeout for each. It is of one send; how long the sink
 *   is left alone is the delivery's, from `afterMs` (a `Retry-After`) and its own back-off.
 *
 * What a 500 does: its events may have arrived, so they are retries with `uncertain`, and come again
 * under the same ids.
 */
import { messageOf } from '../../errors/errors.ts'
import { abortable } from '../../lib/timing.ts'
import type { EventOutcome, EventRetry, JudgedEvents, SentEvent } from './outcome.ts'
import type { RateLimiter } from './rate-limit.ts'
import type { BeginRequest, EventRequest, EventSender, QueuedEvent } from './send-batch.ts'

/** A backend, as what a sender has to know of it. */
export interface ChunkedBackend<Event> {
  /** For people: `Stripe`. */
  readonly name: string
  /** Events in one request at the most. */
  readonly eventsPerRequest: number
  /** @default one request of a send after the other, as fast as they are answered */
  readonly limiter?: RateLimiter
  /** Requests of one lane go one at a time; with one event a request. @default no lanes */
  readonly laneOf?: (event: Event) => string
  /** So many requests in a row that fail by `scope: 'backend'` are an outage. @default 1 */
  readonly failureThreshold?: number
  /** So many parts in a row that fail like the whole are an outage, and no event's fault. @default 3 */
  readonly failedPartsThreshold?: number
  /** The outcome of an event that must not be sent any more. Asked when it is its turn. */
  readonly outsideWindow?: (event: QueuedEvent<Event>, nowMs: number) => EventOutcome | undefined
  /** What a request needs before it is marked, such as a session; or why it cannot be had. */
  readonly prepare?: () => Promise<EventRetry | undefined>
  /** Makes one request. Never throws but what `attempt.check` throws. */
  post(queued: readonly QueuedEvent<Event>[], attempt: Attempt): Promise<RequestOutcome>
}

/** One request, and what is to be told of it. */
export interface Attempt {
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal
  /**
   * To be called right before the request is handed to the network, each time where it is made twice.
   * @throws when nothing may be sent any more.
   */
  check(): void
  /** What was sent certainly had no effect, before the request is made again. */
  hadNoEffect(): void
}

/** What became of a request: the same for all of its events, or by event. `rejected`: it took none. */
export type RequestOutcome = EventOutcome | JudgedEvents

/** A 500 is an outage until its events were tried so often. */
const attemptsBeforeHalving = 3

/** One `send`. */
interface Run<Event> {
  readonly breaker: CircuitBreaker
  readonly signal: AbortSignal
  readonly begin: BeginRequest<Event>
}

export function createChunkedSender<Event>(backend: ChunkedBackend<Event>): EventSender<Event> {
  const { eventsPerRequest, limiter, failureThreshold = 1, failedPartsThreshold = 3 } = backend
  const each = limiter?.slots === undefined ? oneByOne : allAtOnce

  /** Sends events together, and what that leaves open in parts. */
  async function sendChunk(
    chunk: readonly QueuedEvent<Event>[],
    run: Run<Event>,
  ): Promise<readonly SentEvent[]> {
    const { breaker } = run
    const outcomes = new Map<QueuedEvent<Event>, EventOutcome>()
    const uncertain = new Set<QueuedEvent<Event>>()
    let failedParts = 0
    let parts = [chunk]
    while (parts.length > 0) {
      const rest: (readonly QueuedEvent<Event>[])[] = []
      await each(parts, async (part) => {
        const outcome = await request(part, run)
        const isUnsent = outcome.status === 'judged' && outcome.unsent === true
        if (outcome.status !== 'retry' && !isUnsent) {
          failedParts = 0
          breaker.note(outcome)
        }
        if (outcome.status === 'judged') {
          const others = part.filter((event, place) => {
            const judged = outcome.outcomes.get(place)
            if (judged !== undefined) outcomes.set(event, judged)
            return judged === undefined
          })
          if (outcome.othersUncertain) for (const other of others) uncertain.add(other)
          if (others.length > 0) rest.push(others)
          return
        }
        if (outcome.status === 'rejected' && part.length > 1)
          return void rest.push(...halvesOf(part))
        if (outcome.status === 'retry') {
          if (outcome.uncertain) for (const event of part) uncertain.add(event)
          if (!mayBeOneOf(part, outcome)) breaker.note(outcome)
          else if (++failedParts >= failedPartsThreshold) breaker.open(outcome)
          else if (part.length > 1) return void rest.push(...halvesOf(part))
        }
        for (const event of part) outcomes.set(event, outcome)
      })
      parts = rest
    }
    return chunk.map((queued) => {
      const outcome = outcomes.get(queued) ?? notSent
      // Certain now, but not of an earlier request of this send.
      const isUncertain = outcome.status === 'retry' && uncertain.has(queued)
      return { id: queued.id, outcome: isUncertain ? { ...outcome, uncertain: true } : outcome }
    })
  }

  /** Sends events in one request, when it is its turn. */
  async function request(
    part: readonly QueuedEvent<Event>[],
    { breaker, signal, begin }: Run<Event>,
  ): Promise<RequestOutcome> {
    let isSent = false

    async function work(): Promise<RequestOutcome> {
      if (breaker.openReason === undefined) await limiter?.acquire(signal, part.length)
      const held = breaker.openReason ?? outsideWindow(part)
      if (held !== undefined) return held
      const unprepared = await backend.prepare?.()
      if (unprepared !== undefined) {
        limiter?.note?.(unprepared)
        return unprepared
      }
      const marked = await begin(part)
      // The last moment: to wait for its turn may have taken long, and so may a sleeping machine.
      const late = breaker.openReason ?? outsideWindow(part)
      if (late !== undefined) {
        marked.answered([], true)
        return late
      }
      signal.throwIfAborted()
      const outcome = await backend.post(part, {
        signal,
        check: () => {
          marked.check()
          isSent = true
        },
        hadNoEffect: () => {
          isSent = false
        },
      })
      tell(marked, part, outcome)
      if (outcome.status !== 'judged') limiter?.note?.(outcome)
      return outcome
    }

    try {
      signal.throwIfAborted()
      const lane = part[0] && backend.laneOf?.(part[0].event)
      const release = await limiter?.slots?.acquire(signal, lane)
      // Work that was begun keeps its slot until it ends, also when nobody waits for it any longer.
      return await abortable(work().finally(release), signal)
    } catch (error) {
      return stopped(backend.name, error, isSent)
    }
  }

  function outsideWindow(part: readonly QueuedEvent<Event>[]): JudgedEvents | undefined {
    const outcomes = new Map<number, EventOutcome>()
    for (const [place, queued] of part.entries()) {
      const outcome = backend.outsideWindow?.(queued, Date.now())
      if (outcome !== undefined) outcomes.set(place, outcome)
    }
    return outcomes.size === 0 ? undefined : { status: 'judged', outcomes, unsent: true }
  }

  return {
    send: async (queued, signal, begin) => {
      const run = { breaker: createCircuitBreaker(failureThreshold), signal, begin }
      const chunks = chunksOf(queued, eventsPerRequest)
      return (await each(chunks, (chunk) => sendChunk(chunk, run))).flat()
    },
  }
}

/** Tells what became of the events of a request; of those that are sent again, that they are not in it. */
function tell<Event>(
  marked: EventRequest,
  part: readonly QueuedEvent<Event>[],
  outcome: RequestOutcome,
): void {
  if (outcome.status === 'rejected' && part.length > 1) return marked.answered([], true)
  if (outcome.status !== 'judged') return marked.answered(part.map(({ id }) => ({ id, outcome })))
  const { outcomes, othersUncertain } = outcome
  const isUncertain = [...outcomes.values()].some(
    (each) => each.status === 'retry' && each.uncertain === true,
  )
  marked.answered(
    part.map(({ id }, place) => {
      const judged = outcomes.get(place)
      return judged && { id, outcome: judged }
    }),
    othersUncertain !== true && !isUncertain,
  )
}

function mayBeOneOf(part: readonly QueuedEvent<unknown>[], { suspect }: EventRetry): boolean {
  if (suspect === 'refusal') return true
  return suspect === 'crash' && part.every(({ attempts }) => attempts >= attemptsBeforeHalving)
}

/** The outcome of events whose request ended by an abort, or by a fault of ours. */
function stopped(backend: string, error: unknown, isSent: boolean): EventRetry {
  const when = isSent ? `${backend} answered` : 'it was sent'
  const reason = `stopped before ${when}: ${messageOf(error)}`
  return { status: 'retry', scope: 'backend', reason, ...(isSent && { uncertain: true }) }
}

const notSent: EventRetry = { status: 'retry', scope: 'backend', reason: 'it was not sent' }

/** Keeps the rest of a send from being tried once it is clear that nothing will go through. */
export interface CircuitBreaker {
  note(outcome: RequestOutcome): void
  open(outcome: EventRetry): void
  /** Why nothing more is to be sent, which what is not sent shares; `undefined` while there is hope. */
  readonly openReason: EventRetry | undefined
}

/** @param failureThreshold so many failures in a row, with no answer between them, are an outage. */
export function createCircuitBreaker(failureThreshold: number): CircuitBreaker {
  let failuresInARow = 0
  let openReason: EventRetry | undefined
  const open = (outcome: EventRetry): void => {
    // What failed may have arrived; what is not sent has not.
    const { uncertain: _, suspect: __, ...unsent } = outcome
    openReason ??= unsent
  }
  return {
    note: (outcome) => {
      const isFailure = outcome.status === 'retry' && outcome.scope === 'backend'
      failuresInARow = isFailure ? failuresInARow + 1 : 0
      if (outcome.status !== 'retry' || outcome.scope === 'event') return
      if (outcome.scope === 'account' || failuresInARow >= failureThreshold) open(outcome)
    },
    open,
    get openReason() {
      return openReason
    },
  }
}

async function oneByOne<Item, Done>(
  items: readonly Item[],
  work: (item: Item) => Promise<Done>,
): Promise<readonly Done[]> {
  const done: Done[] = []
  for (const item of items) done.push(await work(item))
  return done
}

function allAtOnce<Item, Done>(
  items: readonly Item[],
  work: (item: Item) => Promise<Done>,
): Promise<readonly Done[]> {
  return Promise.all(items.map(work))
}

function chunksOf<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  const chunks: (readonly Item[])[] = []
  for (let start = 0; start < items.length; start += size) {
    chunks.push(items.slice(start, start + size))
  }
  return chunks
}

function halvesOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const middle = Math.ceil(items.length / 2)
  return [items.slice(0, middle), items.slice(middle)]
}
