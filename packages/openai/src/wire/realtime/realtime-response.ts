import {
  type Endpoint,
  type TokenEstimate,
  type UsageReading,
  text,
  unknownUsage,
} from '@token-meter/core/wire'
import { exactCame, holdEstimate } from './lost-responses.ts'
import { realtimeUsage } from '../usage/realtime.ts'
import type { RealtimeSession } from './realtime-session.ts'
import type { SocketAccount, SocketCall, SocketEvent } from './account.ts'

/** GA and beta. */
const audioDeltas = new Set(['response.output_audio.delta', 'response.audio.delta'])

/** One response of a realtime session, from `response.created` to `response.done`. */
export class RealtimeResponse {
  readonly #session: RealtimeSession
  readonly #call: SocketCall
  readonly #output: TokenEstimate
  readonly #identity: readonly string[] | undefined
  readonly #id: string | undefined

  constructor(account: SocketAccount, session: RealtimeSession, response: SocketEvent) {
    const { output: _, usage: __, ...body } = response
    const requestedModel = account.model ?? session.model
    this.#session = session
    this.#call = account.begin(
      realtimeEndpoint(session.conversationTokens),
      requestedModel === undefined ? body : { ...body, model: requestedModel },
    )
    this.#output = this.#call.newEstimate()
    this.#id = text(response.id)
    const { callId, provider } = account
    if (callId !== undefined && typeof response.id === 'string') {
      this.#identity = [provider, 'realtime', callId, response.id]
    }
  }

  /** Text, transcript, audio or the arguments of a function. */
  seeDelta({ type, delta }: SocketEvent): void {
    if (typeof delta !== 'string') return
    if (audioDeltas.has(String(type))) {
      this.#output.addTokens(this.#session.audioTokens(delta))
    } else this.#output.add(delta)
    this.#call.grown?.(() => [this.#cutOff], this.#output)
  }

  done({ usage, status }: SocketEvent): void {
    if (this.#key !== undefined && !exactCame(this.#key)) return this.#call.dismiss()
    if (usage !== undefined && usage !== null) {
      const counts = realtimeUsage(usage, this.#call.call.provider)
      const { input = 0, cachedInput = 0, output = 0 } = counts.tokens
      const read = input + cachedInput + output
      if (read > 0) this.#session.responded(read)
      this.#end({ ...unknownUsage(this.#session.model), ...counts, raw: usage })
    } else if (status === 'completed' || !this.#output.isEmpty) {
      this.#end(unknownUsage(this.#session.model))
    } else this.#call.dismiss()
  }

  /** The connection is gone: what the model had said until then is billed, if nobody sees more. */
  lost(): void {
    const write = () => this.#call.end([this.#cutOff], 'interrupted', this.#output)
    if (this.#key === undefined) write()
    else holdEstimate(this.#key, this.#call, this.#output.tokens, write)
  }

  get #cutOff(): UsageReading {
    return { ...unknownUsage(this.#session.model), responseId: this.#id }
  }

  /** Others may be connected to the same call, or be so later. */
  get #key(): string | undefined {
    return this.#identity && JSON.stringify(this.#identity)
  }

  #end(reading: UsageReading): void {
    const identity = this.#identity
    const named = { ...reading, responseId: this.#id }
    const identified = identity === undefined ? named : { ...named, identity }
    this.#call.end([identified], 'complete', this.#output)
  }
}

/** The response reads the whole conversation, most of which nobody has sent again. */
export function realtimeEndpoint(conversationTokens: number): Endpoint {
  return {
    name: 'realtime',
    read: () => [],
    estimateInput: (_, estimate) => estimate.addTokens(conversationTokens),
    estimateOutput: () => {},
  }
}
