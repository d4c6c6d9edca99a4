import {
  type Endpoint,
  type ObservedCall,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/adapter'
import { realtimeUsage } from './realtime-usage.ts'
import type { RealtimeSession } from './realtime-session.ts'
import type { SocketAccount } from './socket-account.ts'
import type { SocketEvent } from './socket-reader.ts'

/** GA and beta. */
const audioDeltas = new Set(['response.output_audio.delta', 'response.audio.delta'])

/** One response of a realtime session, from `response.created` to `response.done`. */
export class RealtimeResponse {
  readonly #session: RealtimeSession
  readonly #call: ObservedCall
  readonly #output: TokenEstimate
  readonly #identity: readonly string[] | undefined

  constructor(account: SocketAccount, session: RealtimeSession, response: SocketEvent) {
    const { output: _, usage: __, ...body } = response
    const requestedModel = account.model ?? session.model
    this.#session = session
    this.#call = account.begin(
      realtimeEndpoint(session.conversationTokens),
      requestedModel === undefined ? body : { ...body, model: requestedModel },
    )
    this.#output = this.#call.newEstimate()
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
  }

  done({ usage, status }: SocketEvent): void {
    if (usage !== undefined && usage !== null) {
      const counts = realtimeUsage(usage, this.#call.call.provider)
      const { input = 0, cachedInput = 0, output = 0 } = counts.tokens
      this.#session.responded(input + cachedInput + output)
      this.#end('complete', { ...unknownUsage(this.#session.model), ...counts, raw: usage })
    } else if (status === 'completed' || !this.#output.isEmpty) {
      this.#end('complete', unknownUsage(this.#session.model))
    } else this.#call.dismiss()
  }

  /** The connection is gone: what the model had said until then is billed. */
  lost(): void {
    this.#end('interrupted', unknownUsage(this.#session.model))
  }

  #end(end: 'complete' | 'interrupted', reading: UsageReading): void {
    const identity = this.#identity
    const identified = identity === undefined ? reading : { ...reading, identity }
    this.#call.end([identified], end, this.#output)
  }
}

/** The response reads the whole conversation, most of which nobody has sent again. */
function realtimeEndpoint(conversationTokens: number): Endpoint {
  return {
    name: 'realtime',
    read: () => [],
    estimateInput: (_, estimate) => estimate.addTokens(conversationTokens),
    estimateOutput: () => {},
  }
}
