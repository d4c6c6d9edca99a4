import {
  type Endpoint,
  isPlain,
  jsonObject,
  RunningUsage,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { textBounds } from './bounds.ts'
import { billedUsage, usageOfMeta } from './usage.ts'

/**
 * `POST /v2/chat` and `POST /v1/chat`. No answer names its model: it is the one that was asked for.
 */
export const chat: Endpoint = {
  name: 'chat',
  bounds: textBounds,
  read(response) {
    if (isErrorBody(response)) return []
    const { usage, meta, id, response_id, generation_id } = jsonObject(response)
    return [reading(usage ?? usageOfMeta(meta), id ?? response_id ?? generation_id)]
  },
  openStream: (_, output) => new EventReader(output),
  estimateInput: (body, estimate) =>
    estimate.addStrings([
      body.messages,
      body.preamble,
      body.chat_history,
      body.message,
      body.documents,
      body.tools,
      body.tool_results,
    ]),
  estimateOutput: addAnswer,
}

/** `POST /v1/generate`, whose streams do not say what they used. */
export const generate: Endpoint = {
  ...chat,
  name: 'generate',
  estimateInput: (body, estimate) => estimate.addStrings(body.prompt),
}

/** `POST /v1/summarize` */
export const summarize: Endpoint = {
  ...chat,
  name: 'summarize',
  estimateInput: (body, estimate) => estimate.addStrings([body.text, body.additional_command]),
}

function reading(usage: unknown, id: unknown): UsageReading {
  const found: UsageReading = { ...unknownUsage(), responseId: text(id) }
  if (usage === undefined || usage === null) return found
  return { ...found, ...billedUsage(usage, 'tokens'), raw: usage }
}

/** An error in place of an answer, with status 200 or as an event: `{ "message": "..." }`. */
export function isErrorBody(body: unknown): boolean {
  const { usage, meta, message, error, ...rest } = jsonObject(body)
  if (isPlain(usage) || isPlain(meta) || answerFields.some((name) => name in rest)) return false
  return typeof message === 'string' || Boolean(error)
}

/** Beside one of these, a `message` is what v1 was asked. */
const answerFields = ['text', 'generations', 'summary', 'embeddings', 'results', 'classifications']

/** What the model wrote of a whole answer, of either version. */
function addAnswer(response: unknown, estimate: TokenEstimate): void {
  const { message, text: words, tool_calls, generations, summary } = jsonObject(response)
  addMessage(message, estimate)
  estimate.add(words)
  estimate.add(summary)
  for (const call of list(tool_calls)) addToolCall(call, estimate)
  for (const generation of list(generations)) estimate.add(jsonObject(generation).text)
}

/** A message of v2, or what an event adds to one. */
function addMessage(message: unknown, estimate: TokenEstimate): void {
  const { content, tool_plan, tool_calls } = jsonObject(message)
  for (const part of list(content)) {
    const { text: words, thinking } = jsonObject(part)
    estimate.add(words)
    estimate.add(thinking)
  }
  estimate.add(tool_plan)
  for (const call of list(tool_calls)) addToolCall(call, estimate)
}

function addToolCall(call: unknown, estimate: TokenEstimate): void {
  const { function: called, name, parameters } = jsonObject(call)
  const { name: ofFunction, arguments: args } = jsonObject(called)
  for (const value of [ofFunction, args, name, parameters]) estimate.addToolCall(value)
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return isPlain(value) ? [value] : []
}

/** Follows a stream of v2, whose events have a `type`, or of v1, where that is `event_type`. */
class EventReader implements StreamReader {
  readonly rewrites = false
  readonly #output: TokenEstimate
  readonly #usage = new RunningUsage()
  #finished = false
  #isRefused = false
  #hasCallParts = false
  #id: unknown

  constructor(output: TokenEstimate) {
    this.#output = output
  }

  get finished(): boolean {
    return this.#finished
  }

  get usageSeen(): boolean {
    return this.#usage.latest !== undefined
  }

  push(event: unknown): unknown {
    const fields = jsonObject(event)
    const type = fields.type ?? fields.event_type
    if (type === 'message-end' || type === 'stream-end') this.#end(fields)
    else if (type === 'stream-error' || (type === undefined && isErrorBody(event))) {
      this.#isRefused = true
    } else this.#add(fields)
    return event
  }

  #end(fields: Readonly<Record<string, unknown>>): void {
    const { usage, error } = jsonObject(fields.delta)
    const { meta, response_id, id } = jsonObject(fields.response)
    this.#finished = true
    this.#usage.see(usage ?? usageOfMeta(meta))
    this.#id ??= response_id ?? id
    this.#isRefused ||= typeof error === 'string' || fields.finish_reason === 'ERROR'
  }

  #add(fields: Readonly<Record<string, unknown>>): void {
    this.#id ??= fields.id ?? fields.generation_id
    addMessage(jsonObject(fields.delta).message, this.#output)
    if (fields.event_type === 'text-generation') this.#output.add(fields.text)
    const part = fields.tool_call_delta
    if (part !== undefined) {
      this.#hasCallParts = true
      addToolCall(part, this.#output)
      this.#output.add(jsonObject(part).text)
    } else if (!this.#hasCallParts) {
      for (const call of list(fields.tool_calls)) addToolCall(call, this.#output)
    }
  }

  readings(): readonly UsageReading[] {
    const { latest } = this.#usage
    // Refused before it began: nothing was generated.
    if (this.#isRefused && latest === undefined && this.#output.isEmpty) return []
    return [reading(latest, this.#id)]
  }
}
