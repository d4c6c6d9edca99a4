import {
  type Call,
  type Endpoint,
  type HttpHeaders,
  isErrorAnswer,
  jsonObject,
  RunningUsage,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { converseBounds } from './bounds.ts'
import { guardrailUnits } from './guardrails.ts'
import { modelOf } from './model-name.ts'
import { addRequestText } from './request-text.ts'
import { served } from './served.ts'
import { tokenUsage } from './token-usage.ts'

/** `POST /model/{modelId}/converse` and `/converse-stream` */
export const converse: Endpoint = {
  name: 'converse',
  bounds: converseBounds,
  read(response, { body }, headers) {
    if (isErrorAnswer(response, 'usage', ['output', 'stopReason'])) return []
    const { usage, stopReason, ...about } = jsonObject(response)
    return [converseReading({ usage, stopReason, about, modelId: body.model, headers })]
  },
  openStream: (call, output, { headers }) => new ConverseStreamReader(call, output, headers),
  estimateInput: addRequestText,
  estimateOutput(response, estimate) {
    const { output, stopReason } = jsonObject(response)
    if (stopReason === intervened) return
    addMessage(jsonObject(output).message, estimate)
  },
}

/** What answered is the guardrail then, and not the model. */
const intervened = 'guardrail_intervened'

/** What an answer, whole or put together from its events, says of what it used. */
interface ConverseAnswer {
  readonly usage: unknown
  readonly stopReason: unknown
  /** The fields beside the usage: `trace`, `serviceTier`, `performanceConfig`. */
  readonly about: Readonly<Record<string, unknown>>
  readonly modelId: unknown
  readonly headers: HttpHeaders | undefined
}

function converseReading(answer: ConverseAnswer): UsageReading {
  const { usage, stopReason, about, modelId, headers } = answer
  const { promptRouter, guardrail } = jsonObject(about.trace)
  const model = modelOf(modelId, { routed: text(jsonObject(promptRouter).invokedModelId) })
  const { serviceTier, details: speed } = served(about, headers)
  const fees = { ...speed, ...guardrailUnits(guardrail) }
  if (usage === undefined || usage === null) {
    return { ...unknownUsage(model, serviceTier), details: fees }
  }
  const { tokens, total, details, problems } = tokenUsage(usage)
  return {
    model,
    tokens,
    total,
    details: { ...details, ...fees },
    serviceTier,
    raw: usage,
    problems,
    // Its words are AWS's own, and no sign of tokens.
    ...(stopReason === intervened && { isBeside: true }),
  }
}

/** Follows the events of a stream: `{ contentBlockDelta: ... }`, and at its end `{ metadata: ... }`. */
export class ConverseStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #modelId: unknown
  readonly #headers: HttpHeaders | undefined
  readonly #output: TokenEstimate
  readonly #usage = new RunningUsage()
  #said: unknown
  #about: Readonly<Record<string, unknown>> = {}
  #stopReason: unknown
  #isMetadataSeen = false
  readonly #refusal = new Refusal()

  constructor(call: Call, output: TokenEstimate, headers: HttpHeaders | undefined) {
    this.#modelId = call.body.model
    this.#headers = headers
    this.#output = output
  }

  get finished(): boolean {
    return this.#stopReason !== undefined
  }

  get usageSeen(): boolean {
    return this.#isMetadataSeen
  }

  push(event: unknown): unknown {
    this.#refusal.see(event)
    const { contentBlockDelta, contentBlockStart, messageStop, metadata } = jsonObject(event)
    if (contentBlockDelta !== undefined) {
      addBlock(jsonObject(contentBlockDelta).delta, this.#output)
    } else if (contentBlockStart !== undefined) {
      addBlock(jsonObject(contentBlockStart).start, this.#output)
    } else if (messageStop !== undefined) {
      this.#stopReason = jsonObject(messageStop).stopReason ?? null
    } else if (metadata !== undefined) {
      this.#isMetadataSeen = true
      const { usage, ...about } = jsonObject(metadata)
      this.#about = about
      if (!this.#usage.see(usage)) this.#said ??= usage
    }
    return event
  }

  readings(): readonly UsageReading[] {
    if (this.#refusal.isWhole) return []
    const usage = this.#usage.latest ?? this.#said
    const answer = { usage, stopReason: this.#stopReason, about: this.#about }
    return [converseReading({ ...answer, modelId: this.#modelId, headers: this.#headers })]
  }
}

/** Sees whether a stream is nothing but an error: refused before it began, it costs nothing. */
export class Refusal {
  #hasBegun = false
  #isRefused = false

  see(event: unknown): void {
    if (this.#hasBegun) return
    if (isException(event)) this.#isRefused = true
    else this.#hasBegun = true
  }

  get isWhole(): boolean {
    return this.#isRefused && !this.#hasBegun
  }
}

/** True for the events that end a stream with an error: `{ throttlingException: ... }`, `{ error: ... }` */
function isException(event: unknown): boolean {
  return Object.keys(jsonObject(event)).some((name) => /(?:Exception|^error)$/.test(name))
}

/** Adds what a model wrote in a message. */
export function addMessage(message: unknown, estimate: TokenEstimate): void {
  const { content } = jsonObject(message)
  for (const block of Array.isArray(content) ? content : []) addBlock(block, estimate)
}

/** Adds a block of content, or a streamed part of one. */
function addBlock(block: unknown, estimate: TokenEstimate): void {
  const {
    text: words,
    toolUse,
    reasoningContent,
    citationsContent,
    image,
    audio,
  } = jsonObject(block)
  estimate.add(words)
  if (toolUse !== undefined) {
    const { name, input } = jsonObject(toolUse)
    estimate.addToolCall(name)
    estimate.addToolCall(input)
  }
  if (reasoningContent !== undefined) {
    const { text: thought, reasoningText } = jsonObject(reasoningContent)
    estimate.add(thought)
    estimate.add(jsonObject(reasoningText).text)
  }
  if (citationsContent !== undefined) addMessage(citationsContent, estimate)
  if (image !== undefined || audio !== undefined) estimate.addAnswer()
}
