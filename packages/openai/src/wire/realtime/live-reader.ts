import { type UsageReading, jsonObject, text, unknownUsage } from '@token-meter/core/wire'
import { decisions } from '../other-endpoints.ts'
import { secondsUsage } from '../usage/audio.ts'
import { RecentIds, holdMs } from './lost-responses.ts'
import { ResponsesReader } from './responses-reader.ts'
import {
  type SocketAccount,
  type SocketCall,
  type SocketEvent,
  type SocketReader,
  wholeEvent,
} from './account.ts'

const live = wholeEvent('live')

/**
 * Follows a Live session: its seconds, and the responses and decisions that it delegates, which
 * are billed on models of their own. Records have derived ids, because several connections (a
 * sideband beside the caller's) may see the same session.
 */
export class LiveReader implements SocketReader {
  readonly #account: () => SocketAccount
  readonly #delegated: ResponsesReader
  readonly #decided = new RecentIds()
  #sessionId: string | undefined
  #model: string | undefined
  #usage: unknown

  constructor(account: () => SocketAccount) {
    this.#account = account
    this.#delegated = new ResponsesReader(account, 'live.response')
  }

  see(event: SocketEvent): void {
    const { type, session } = event
    if (session !== undefined) {
      const { id, model } = jsonObject(session)
      this.#sessionId = text(id) ?? this.#sessionId
      this.#model = text(model) ?? this.#model
    }
    liveSeconds.takenUp(this.#session)
    if (type === 'response.event') {
      this.#delegated.see(jsonObject(event.event), event.delegation_id ?? null)
    } else if (type === 'decision.event') {
      this.#seeDecision(event)
    } else if (type === 'session.usage.updated' || type === 'session.closed') {
      this.#seeTotal(event.usage)
      const rest = type === 'session.closed' ? liveSeconds.rest(this.#session) : undefined
      if (rest !== undefined) this.#billRest(this.#begin(), rest)
    }
  }

  lost(): void {
    this.#delegated.lost()
    const rest = liveSeconds.rest(this.#session)
    if (rest === undefined) return
    const call = this.#begin()
    const release = call.defer(() => this.#billRest(call, rest), holdMs)
    liveSeconds.held(this.#session, () => {
      release()
      call.dismiss()
    })
  }

  /** What tells the session from others; this reader for one that has not said its id. */
  get #session(): string | object {
    return this.#sessionId === undefined ? this : `${this.#account().provider} ${this.#sessionId}`
  }

  /** The seconds of the whole session so far: the minutes that are over are billed. */
  #seeTotal(usage: unknown): void {
    if (usage === undefined || usage === null) return
    this.#usage = usage
    const { details, problems } = secondsUsage(jsonObject(usage).seconds)
    const parts = liveSeconds.grown(this.#session, details.seconds ?? 0)
    if (parts === undefined) this.#report(['a session grew by more than a day at once'])
    else if (problems.length > 0) this.#report(problems)
    for (const part of parts ?? []) this.#bill(this.#begin(), part)
  }

  #begin(): SocketCall {
    return this.#account().begin(live, this.#model === undefined ? {} : { model: this.#model })
  }

  #billRest(call: SocketCall, rest: LivePart): void {
    liveSeconds.restBilled(this.#session)
    this.#bill(call, rest)
  }

  #bill(call: SocketCall, { minute, seconds }: LivePart): void {
    const id = this.#sessionId
    const identity = id === undefined ? {} : { identity: [call.call.provider, 'live', id, minute] }
    this.#end(call, { ...unknownUsage(this.#model), ...secondsUsage(seconds), ...identity })
  }

  #report(problems: readonly string[]): void {
    this.#end(this.#begin(), { ...unknownUsage(this.#model), ...secondsUsage(0), problems })
  }

  #end(call: SocketCall, reading: UsageReading): void {
    const responseId = this.#sessionId
    const whole = { ...reading, requests: null, responseId, raw: this.#usage }
    call.end([whole], 'complete', call.newEstimate())
  }

  #seeDecision({ event, event_id: eventId }: SocketEvent): void {
    const { decision } = jsonObject(event)
    if (decision === undefined || !this.#decided.isNew(eventId)) return
    const { model, answers } = jsonObject(decision)
    const call = this.#account().begin(decisions, model === undefined ? {} : { model })
    const output = call.newEstimate()
    output.addStrings(answers)
    const readings = decisions.read(decision, call.call)
    const sessionId = this.#sessionId
    const identified =
      typeof eventId !== 'string' || sessionId === undefined
        ? readings
        : readings.map((reading) => ({
            ...reading,
            identity: [call.call.provider, 'live.decision', sessionId, eventId],
          }))
    call.end(identified, 'complete', output)
  }
}

const remembered = 10_000
const minuteMs = 60_000
/** More than this at once is no session's length. */
const mostMinutes = 24 * 60

/** Seconds of one minute of a session, counted from the session's start. */
export interface LivePart {
  readonly minute: number
  readonly seconds: number
}

/** One session, as far as it is known here. */
interface Session {
  totalMs: number
  /** Minutes that are billed. */
  minutes: number
  /** Gives up what is held of a lost connection. */
  release: (() => void) | undefined
}

/**
 * Cuts the running totals of sessions into whole minutes, and a rest at the end. Each is the same
 * whoever sees the totals and whichever of them, so that records with ids of the session
 * and the minute bill every second once, also when a session goes on in another process.
 */
export class LiveSeconds {
  readonly #sessions = new Map<string, Session>()
  readonly #nameless = new WeakMap<object, Session>()

  /**
   * The minutes that are over now and were not before; `undefined` for a total that cannot be.
   *
   * @param session what tells the session from others; an object for one that has not said its id.
   */
  grown(session: string | object, totalSeconds: number): readonly LivePart[] | undefined {
    const known = this.#session(session)
    const totalMs = Math.round(totalSeconds * 1000)
    if (totalMs <= known.totalMs) return []
    const from = known.minutes
    const to = Math.max(from, Math.floor(totalMs / minuteMs))
    if (to - from > mostMinutes) return undefined
    known.totalMs = totalMs
    known.minutes = to
    return Array.from({ length: to - from }, (_, index) => ({ minute: from + index, seconds: 60 }))
  }

  /** What has begun of a minute and is not billed. */
  rest(session: string | object): LivePart | undefined {
    const { totalMs, minutes } = this.#session(session)
    const restMs = totalMs - minutes * minuteMs
    return restMs > 0 ? { minute: minutes, seconds: restMs / 1000 } : undefined
  }

  /** The rest is billed. */
  restBilled(session: string | object): void {
    this.#session(session).minutes++
  }

  /** Remembers how to give up the rest, once somebody takes the session up. */
  held(session: string | object, release: () => void): void {
    this.takenUp(session)
    this.#session(session).release = release
  }

  /** Somebody sees the session, and will bill its rest. */
  takenUp(session: string | object): void {
    const known = this.#session(session)
    known.release?.()
    known.release = undefined
  }

  #session(session: string | object): Session {
    if (typeof session === 'object') {
      const known = this.#nameless.get(session) ?? newSession()
      this.#nameless.set(session, known)
      return known
    }
    const known = this.#sessions.get(session) ?? newSession()
    // Moved to the end: forgotten is who has been silent longest, however long a session is.
    this.#sessions.delete(session)
    this.#sessions.set(session, known)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > remembered && oldest !== undefined) this.#sessions.delete(oldest)
    return known
  }
}

function newSession(): Session {
  return { totalMs: 0, minutes: 0, release: undefined }
}

// Of the process: a session that reconnects, or that two sockets see, is billed once.
const liveSeconds = new LiveSeconds()
