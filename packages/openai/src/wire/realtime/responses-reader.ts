import { type StreamReader, type TokenEstimate, jsonObject, text } from '@token-meter/core/wire'
import { responsesEndpoint } from '../responses.ts'
import { RecentIds, exactCame, holdEstimate } from './lost-responses.ts'
import type { SocketAccount, SocketCall, SocketEvent, SocketReader } from './account.ts'

/** A response under way, read as if it were streamed over HTTP. */
interface UnderWay {
  readonly id: string | undefined
  readonly call: SocketCall
  readonly reader: StreamReader
  readonly output: TokenEstimate
}

const endpoint = responsesEndpoint()

/**
 * Follows the Responses API over a socket. Responses come one after the other in each lane
 * (`stream_id`), and most of their events do not name the response that they belong to: they are
 * of the one that the lane named last.
 */
export class ResponsesReader implements SocketReader {
  readonly #account: () => SocketAccount
  readonly #underWay = new Set<UnderWay>()
  readonly #latest = new Map<unknown, UnderWay>()
  readonly #ended = new RecentIds()
  /** Makes the ids of records the same on every connection that sees the same responses. */
  readonly #scope: string | undefined

  constructor(account: () => SocketAccount, scope?: string) {
    this.#account = account
    this.#scope = scope
  }

  see(event: SocketEvent, lane: unknown = event.stream_id ?? null): void {
    const { response } = event
    const current =
      response === undefined ? this.#latest.get(lane) : this.#responseOf(jsonObject(response), lane)
    if (current === undefined) return
    const { call, reader, output } = current
    reader.push(event)
    // The last event alone ends it: a text that has ended may be followed by another.
    if (!reader.usageSeen) return call.grown?.(() => reader.readings(), output)
    this.#underWay.delete(current)
    if (this.#latest.get(lane) === current) this.#latest.delete(lane)
    this.#end(current, 'complete')
  }

  lost(): void {
    const underWay = [...this.#underWay]
    this.#underWay.clear()
    this.#latest.clear()
    for (const response of underWay) this.#end(response, 'interrupted')
  }

  /** The one under way that an event's response object is of, begun if it is new. */
  #responseOf(response: SocketEvent, lane: unknown): UnderWay | undefined {
    const id = text(response.id)
    if (this.#ended.has(id)) return undefined
    const known =
      id === undefined
        ? this.#latest.get(lane)
        : [...this.#underWay].find((candidate) => candidate.id === id)
    const current = known ?? this.#begin(id, response)
    if (current !== undefined) this.#latest.set(lane, current)
    return current
  }

  #begin(id: string | undefined, response: SocketEvent): UnderWay | undefined {
    const call = this.#account().begin(endpoint, response)
    const output = call.newEstimate()
    const reader = endpoint.openStream?.(call.call, output, {})
    if (reader === undefined) return undefined
    const begun = { id, call, reader, output }
    this.#underWay.add(begun)
    return begun
  }

  #end({ id, call, reader, output }: UnderWay, end: 'complete' | 'interrupted'): void {
    const scope = this.#scope
    if (scope === undefined || id === undefined) {
      if (this.#ended.isNew(id)) call.end(reader.readings(), end, output)
      return
    }
    const identity = [call.call.provider, scope, id]
    const key = JSON.stringify(identity)
    if (end === 'interrupted') {
      const readings = reader.readings()
      return holdEstimate(key, call, output.tokens, () => call.end(readings, end, output))
    }
    if (!this.#ended.isNew(id)) return
    if (!exactCame(key)) return call.dismiss()
    const readings = reader.readings().map((reading) => ({ ...reading, identity }))
    call.end(readings, end, output)
  }
}
