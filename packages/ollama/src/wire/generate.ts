import {
  type Endpoint,
  isErrorAnswer,
  jsonObject,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  usageDetails,
  type UsageReading,
} from '@token-meter/core/wire'
import { textBounds } from './bounds.ts'
import { hasCounts, metricsOf, ollamaUsage } from './usage.ts'

/** `POST /api/chat`: one object, or a line of JSON for each part, of which the last has the metrics. */
export const chat: Endpoint = {
  name: 'chat',
  bounds: textBounds,
  read: (response) => (isRefusal(response) ? [] : readingsOf(response)),
  openStream: (_, output) => new LineReader(output),
  estimateInput: (body, estimate) =>
    estimate.addStrings([withoutImages(body.messages), body.tools, body.format]),
  estimateOutput: addAnswer,
}

/** `POST /api/generate` */
export const generate: Endpoint = {
  ...chat,
  name: 'generate',
  estimateInput: (body, estimate) =>
    estimate.addStrings([body.system, body.prompt, body.suffix, body.format]),
}

function readingsOf(answer: unknown): readonly UsageReading[] {
  const { done, done_reason, model, image } = jsonObject(answer)
  const usage = metricsOf(answer)
  // An empty prompt: it asks to load a model, or to let go of it, and no model was at work.
  if ((done_reason === 'load' || done_reason === 'unload') && !hasCounts(usage)) return []
  // No answer of Ollama's: something else has the same path.
  if (typeof done !== 'boolean' && usage === undefined) return []
  const found = unknownUsage(text(model))
  const details = usageDetails({ images: typeof image === 'string' && image !== '' ? 1 : 0 })
  if (usage === undefined) return [{ ...found, details }]
  return [{ ...found, ...ollamaUsage(usage), details, raw: usage }]
}

export function isRefusal(answer: unknown): boolean {
  return isErrorAnswer(answer, 'eval_count', ['done', 'message', 'response', 'embeddings'])
}

/** What a part of an answer, or a whole one, adds to it. */
function addAnswer(answer: unknown, estimate: TokenEstimate): void {
  const { message, response, thinking, image } = jsonObject(answer)
  const { content, thinking: thoughts, tool_calls } = jsonObject(message)
  for (const words of [content, thoughts, response, thinking]) estimate.add(words)
  if (typeof image === 'string' && image !== '') estimate.addAnswer()
  for (const call of Array.isArray(tool_calls) ? (tool_calls as unknown[]) : []) {
    const { name, arguments: args } = jsonObject(jsonObject(call).function)
    estimate.addToolCall(name)
    estimate.addToolCall(args)
  }
}

/** Messages have their images inline, as text that no model reads as such. */
function withoutImages(messages: unknown): unknown {
  if (!Array.isArray(messages)) return messages
  return (messages as unknown[]).map((message) => {
    const { images: _, ...words } = jsonObject(message)
    return words
  })
}

/** Follows the lines of one stream. */
class LineReader implements StreamReader {
  readonly rewrites = false
  readonly #output: TokenEstimate
  #last: unknown
  #isRefused = false
  /** Something else has the same path: what it says has no `done`. */
  #isForeign = false
  #model: unknown

  constructor(output: TokenEstimate) {
    this.#output = output
  }

  get finished(): boolean {
    return this.#last !== undefined
  }

  /** With the last object comes all that will be said, also where a count is not in it. */
  get usageSeen(): boolean {
    return this.finished
  }

  push(event: unknown): unknown {
    const { done, model } = jsonObject(event)
    if (isRefusal(event)) this.#isRefused = true
    else this.#isForeign ||= typeof done !== 'boolean'
    this.#model ??= model
    addAnswer(event, this.#output)
    // Some of it alone: the last object of a text has all of its tokens in `context`.
    if (done === true) this.#last = lastOf(event)
    return event
  }

  readings(): readonly UsageReading[] {
    if (this.#last !== undefined) return readingsOf(this.#last)
    if (this.#isRefused && this.#output.isEmpty) return []
    return this.#isForeign ? [] : [unknownUsage(text(this.#model))]
  }
}

function lastOf(event: unknown): object {
  const { model, done, done_reason, image } = jsonObject(event)
  return {
    ...metricsOf(event),
    model,
    done,
    done_reason,
    image: image === undefined ? '' : 'image',
  }
}
