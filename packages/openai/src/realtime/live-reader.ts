import { jsonObject, text, unknownUsage, type UsageReading } from '@token-meter/core/adapter'
import { decisions } from '../endpoint/decisions.ts'
import { secondsUsage } from '../usage/seconds.ts'
import { billableSeconds } from './live-seconds.ts'
import { RecentIds } from './recent-ids.ts'
import { ResponsesReader } from './responses-reader.ts'
import type { SocketAccount } from './socket-account.ts'
import type { SocketEvent, SocketReader } from './socket-reader.ts'
import { wholeEvent } from './whole-event.ts'

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
    if (type === 'response.event') {
      this.#delegated.see(jsonObject(event.event), event.delegation_id ?? null)
    } else if (type === 'decision.event') {
      this.#seeDecision(event)
    } else if (type === 'session.usage.updated' || type === 'session.closed') {
      this.#seeTotal(event.usage)
    }
  }

  lost(): void {
    this.#delegated.lost()
  }

  /** The seconds of the whole session so far: what is new of them is billed. */
  #seeTotal(usage: unknown): void {
    if (usage === undefined || usage === null) return
    const account = this.#account()
    const { provider } = account
    const id = this.#sessionId
    const { details, problems } = secondsUsage(jsonObject(usage).seconds)
    const session = id === undefined ? this : `${provider} ${id}`
    const part = billableSeconds(session, details.seconds ?? 0)
    if (part === undefined && problems.length === 0) return
    const call = account.begin(live, this.#model === undefined ? {} : { model: this.#model })
    const reading: UsageReading = {
      ...unknownUsage(this.#model),
      ...secondsUsage(part?.seconds ?? 0),
      problems,
      raw: usage,
      ...(id !== undefined &&
        part !== undefined && { identity: [provider, 'live', id, part.fromMs, part.toMs] }),
    }
    call.end([reading], 'complete', call.newEstimate())
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
