import { jsonObject, text, unknownUsage, type UsageReading } from '@token-meter/core/wire'
import type { ObservedCall } from '@token-meter/core/adapter'
import { decisions } from '../endpoint/decisions.ts'
import { secondsUsage } from '../usage/seconds.ts'
import { holdMs } from './hold-time.ts'
import { type LivePart, LiveSeconds } from './live-seconds.ts'
import { RecentIds } from './recent-ids.ts'
import { ResponsesReader } from './responses-reader.ts'
import type { SocketAccount } from './socket-account.ts'
import type { SocketEvent, SocketReader } from './socket-reader.ts'
import { wholeEvent } from './whole-event.ts'

const live = wholeEvent('live')

// Of the process: a session that reconnects, or that two sockets see, is billed once.
const liveSeconds = new LiveSeconds()

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

  #begin(): ObservedCall {
    return this.#account().begin(live, this.#model === undefined ? {} : { model: this.#model })
  }

  #billRest(call: ObservedCall, rest: LivePart): void {
    liveSeconds.restBilled(this.#session)
    this.#bill(call, rest)
  }

  #bill(call: ObservedCall, { minute, seconds }: LivePart): void {
    const id = this.#sessionId
    const identity = id === undefined ? {} : { identity: [call.call.provider, 'live', id, minute] }
    this.#end(call, { ...unknownUsage(this.#model), ...secondsUsage(seconds), ...identity })
  }

  #report(problems: readonly string[]): void {
    this.#end(this.#begin(), { ...unknownUsage(this.#model), ...secondsUsage(0), problems })
  }

  #end(call: ObservedCall, reading: UsageReading): void {
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
