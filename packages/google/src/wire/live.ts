import {
  type Call,
  type Endpoint,
  jsonObject,
  noEstimate,
  RunningUsage,
  type StreamReader,
  type TokenEstimate,
  type UsageReading,
} from '@token-meter/core/wire'
import { liveBounds } from './bounds.ts'
import { addContent, contentReading } from './content.ts'
import { Grounding } from './tools.ts'

/** One turn of a Live API session. */
export const live: Endpoint = {
  name: 'live',
  bounds: liveBounds,
  read: () => [],
  openStream: (call, output) => new LiveTurnReader(call, output),
  ...noEstimate,
}

/** A message by which a turn begins, or goes on: others tell of the session. */
export function isOfTurn(message: unknown): boolean {
  const { serverContent, toolCall, usageMetadata } = jsonObject(message)
  const { modelTurn, inputTranscription, outputTranscription } = jsonObject(serverContent)
  return [modelTurn, inputTranscription, outputTranscription, toolCall, usageMetadata].some(
    (part) => part !== undefined && part !== null,
  )
}

/**
 * Follows the messages of one turn. The usage comes with the message that ends the turn or right
 * behind it; a call of the caller's tools ends a turn too, because the model reads everything again
 * once it has the answer.
 */
class LiveTurnReader implements StreamReader {
  readonly rewrites = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #usage = new RunningUsage()
  readonly #grounding = new Grounding()
  #isOver = false

  constructor(call: Call, output: TokenEstimate) {
    this.#call = call
    this.#output = output
  }

  get finished(): boolean {
    return this.#isOver
  }

  get usageSeen(): boolean {
    return this.#usage.isStated
  }

  push(message: unknown): unknown {
    const { serverContent, toolCall, usageMetadata } = jsonObject(message)
    const { modelTurn, turnComplete, groundingMetadata } = jsonObject(serverContent)
    if (modelTurn !== undefined) this.#isOver = false
    addContent(modelTurn, this.#output)
    this.#grounding.see([{ groundingMetadata }])
    this.#usage.see(usageMetadata)
    if (turnComplete === true || (toolCall !== undefined && toolCall !== null)) this.#isOver = true
    return message
  }

  readings(): readonly UsageReading[] {
    const { model } = this.#call.body
    if (this.#usage.latest === undefined && this.#output.isEmpty) return []
    // Of a turn, in which the model may have been asked more than once.
    const reading = contentReading(this.#usage.latest, undefined, model, this.#grounding)
    return [{ ...reading, requests: null }]
  }
}
