import {
  type Call,
  type Endpoint,
  type PlainEvent,
  RunningUsage,
  type StreamReader,
  type TokenEstimate,
  type UsageReading,
  jsonObject,
  text,
  unknownUsage,
} from '@token-meter/core/wire'
import { responsesUsage } from './usage/responses.ts'
import { isRefusal } from './any-answer.ts'
import { responseBounds } from './bounds.ts'
import { ResponseTools, ranTools, responseTools, toolReadings } from './response-tools.ts'

/** What becomes of the responses that are not finished, or can be seen again. */
export interface ResponseWatch {
  /** Any response object, whole or inside an event. Answers false when it must not be billed now. */
  bills(response: Readonly<Record<string, unknown>>): boolean
}

const billsAll: ResponseWatch = { bills: () => true }

/** `POST /responses`, and what asks for a response again; the watch decides what is billed. */
export function responsesEndpoint(watch: ResponseWatch = billsAll, name = 'responses'): Endpoint {
  return {
    name,
    bounds: responseBounds,
    read: (response, { provider }) => readResponse(jsonObject(response), provider, watch),
    openStream: (call, output) => new ResponsesStreamReader(call, output, watch),
    estimateInput(body, estimate) {
      estimate.addStrings([body.instructions, body.input, body.tools])
    },
    estimateOutput(response, estimate) {
      addOutputItems(jsonObject(response).output, estimate)
    },
  }
}

const unbilledWithoutUsage = new Set(['failed', 'cancelled'])

function readResponse(
  response: Readonly<Record<string, unknown>>,
  provider: string,
  watch: ResponseWatch,
): readonly UsageReading[] {
  const { id, background, status, created_at: createdAt } = response
  const isBilled = watch.bills(response)
  if (!isBilled || isUnfinished(status) || isRefusal(response)) return []
  const responseId = text(id)
  const readings = [...modelReading(response, provider), ...toolReadings(response, provider)].map(
    (reading) => ({ ...reading, responseId }),
  )
  // A background response is seen by every poll, perhaps in several processes.
  if (background !== true || typeof id !== 'string') return readings
  const identity = [provider, 'responses', id, Number(createdAt) || 0]
  return readings.map((reading) => ({ ...reading, identity }))
}

function modelReading(
  response: Readonly<Record<string, unknown>>,
  provider: string,
): readonly UsageReading[] {
  const { status, usage } = response
  const model = text(response.model)
  const serviceTier = text(response.service_tier)
  if (usage === undefined || usage === null) {
    return unbilledWithoutUsage.has(String(status)) ? [] : [unknownUsage(model, serviceTier)]
  }
  const counts = responsesUsage(usage, provider)
  // What the usage object itself says of tools stands before what the output shows.
  const details = { ...responseTools(response), ...counts.details }
  const sum = ranTools(details) ? { requests: null } : {}
  return [{ ...counts, ...sum, details, model, serviceTier, raw: usage }]
}

interface ResponseEvent {
  type?: unknown
  delta?: unknown
  response?: unknown
  item?: unknown
}

const toolDeltas = new Set([
  'response.function_call_arguments.delta',
  'response.mcp_call_arguments.delta',
  'response.custom_tool_call_input.delta',
])
const lastEvents = new Set(['response.completed', 'response.incomplete', 'response.failed'])

const begins = /\.added$|\.in_progress$/
const ends = new Set(['response.output_text.done', 'response.output_item.done'])

/** Follows a streamed response: its usage comes with the last event, its id and model with the first. */
class ResponsesStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #watch: ResponseWatch
  #first: Readonly<Record<string, unknown>> = {}
  #last: Readonly<Record<string, unknown>> | undefined
  readonly #usage = new RunningUsage()
  #refused = false
  /** A text or an item has ended, and nothing else has begun: it may have been the last. */
  #isBetween = false
  /** What the last event repeats, should it not come. */
  readonly #tools = new ResponseTools()

  constructor(call: Call, output: TokenEstimate, watch: ResponseWatch) {
    this.#call = call
    this.#output = output
    this.#watch = watch
  }

  get finished(): boolean {
    return this.#last !== undefined || this.#isBetween
  }

  get usageSeen(): boolean {
    return this.#last !== undefined
  }

  push(event: unknown): unknown {
    const { type, delta, response, item } = (event ?? {}) as ResponseEvent
    if (isRefusal(event)) this.#refused = true
    if (typeof delta === 'string') {
      if (toolDeltas.has(String(type))) this.#output.addToolCall(delta)
      else this.#output.add(delta)
    }
    if (typeof delta === 'string' || begins.test(String(type))) this.#isBetween = false
    else if (ends.has(String(type))) this.#isBetween = true
    if (type === 'response.output_item.done') this.#tools.see(item)
    if (response === undefined || typeof type !== 'string') return event
    this.#usage.see(jsonObject(response).usage)
    if (lastEvents.has(type)) this.#last = jsonObject(response)
    else if (type === 'response.created' || type === 'response.queued') {
      // Not the object itself: the SDK's helpers go on writing to theirs.
      const { id, model, status, background } = jsonObject(response)
      this.#first = { id, model, status, background }
    }
    return event
  }

  plain(event: unknown): PlainEvent | undefined {
    const { type, delta, response, item } = event as ResponseEvent
    const isPlain = response === undefined && item === undefined && !isRefusal(event)
    if (!isPlain || typeof type !== 'string' || typeof delta !== 'string') return undefined
    return {
      text: ['delta'],
      isToolCall: toolDeltas.has(type),
      ignored: ['sequence_number', 'obfuscation'],
    }
  }

  readings(): readonly UsageReading[] {
    if (this.#last !== undefined) {
      const last = { ...this.#last, usage: this.#usage.latest ?? this.#last.usage }
      return readResponse(last, this.#call.provider, this.#watch)
    }
    // A background response goes on without its stream and can be asked for again.
    if (this.#first.background === true) {
      this.#watch.bills({ ...this.#first, status: 'in_progress' })
      return []
    }
    // Refused before it began: nothing was generated.
    if (this.#refused && this.#output.isEmpty) return []
    if (!this.#watch.bills(this.#first)) return []
    const { id, model } = this.#first
    const details = this.#tools.details()
    return [{ ...unknownUsage(text(model)), details, responseId: text(id) }]
  }
}

/** Adds what a model wrote among the output items of a response. */
export function addOutputItems(output: unknown, estimate: TokenEstimate): void {
  for (const item of Array.isArray(output) ? output.map(jsonObject) : []) {
    const { type, content, summary, code, result } = item
    estimate.addStrings([content, summary])
    estimate.add(code)
    if (typeof result === 'string' && result !== '') estimate.addAnswer()
    if (!String(type).endsWith('_call') || type === 'code_interpreter_call') continue
    for (const name of ['name', 'arguments', 'input', 'action']) estimate.addToolCall(item[name])
  }
}

const unfinished = new Set(['queued', 'in_progress'])

/** True for a response that is still being made. */
export function isUnfinished(status: unknown): boolean {
  return unfinished.has(String(status))
}
