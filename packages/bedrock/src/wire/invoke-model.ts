import { messages } from '@token-meter/anthropic/usage'
import {
  type Call,
  type Endpoint,
  type HttpHeaders,
  isErrorAnswer,
  jsonObject,
  type StreamAnswer,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { chatCompletions } from '@token-meter/openai/usage'
import { invokeBounds } from './bounds.ts'
import { converse, ConverseStreamReader } from './converse.ts'
import { headerMetrics, metricsField, withMetrics } from './invocation-metrics.ts'
import { addBodyText, bodyReading } from './model-body.ts'
import { BodyStreamReader } from './model-body-stream.ts'
import { modelOf } from './model-name.ts'
import { addRequestText } from './request-text.ts'
import { served } from './served.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * `POST /model/{modelId}/invoke` and `/invoke-with-response-stream`: the answer has the shape of the
 * model's maker. It is told by that shape, since an id of the application's own names no maker.
 */
export const invokeModel: Endpoint = {
  name: 'invokeModel',
  bounds: invokeBounds,
  // Of an answer that is no JSON AWS's own counts are known.
  content: 'text',
  read(response, call, headers) {
    const metrics = headerMetrics(headers)
    const isCounted = Object.values(metrics).some((count) => count > 0)
    if (!isCounted && isErrorAnswer(response, 'usage', answerFields)) return []
    const found = makerOf(response).read(response, call, headers)
    return asServed(found, { call, headers, metrics, isIntervened: isGuardrailIn(response) })
  },
  openStream: (call, output, answer) => new InvokeStreamReader(call, output, answer),
  estimateInput: addRequestText,
  estimateOutput: (response, estimate) => makerOf(response).estimateOutput(response, estimate),
}

/** What answers have at least one of, even where they say `error` too, as Amazon's images do. */
const answerFields = [
  'content',
  'choices',
  'output',
  'images',
  'results',
  'generation',
  'generations',
  'completion',
  'completions',
  'outputs',
  'text',
  'embedding',
  'embeddings',
]

type Reader = Pick<Endpoint, 'read' | 'estimateOutput'>

const anthropic: Reader = messages

/** Amazon's own models answer what Converse would. */
const nova: Reader = converse

const openai: Reader = chatCompletions

const others: Reader = {
  read: (response, { body }) => [bodyReading(response, body)],
  estimateOutput: (response, estimate) => addBodyText(response, estimate),
}

/** OpenAI's shape is that of most: gpt-oss, Qwen, DeepSeek, Jamba, Mistral's chat, Kimi, GLM, ... */
function makerOf(response: unknown): Reader {
  const { type, output, choices } = jsonObject(response)
  if (type === 'message') return anthropic
  if (Array.isArray(choices)) return openai
  return typeof output === 'object' && output !== null ? nova : others
}

interface Invocation {
  readonly call: Call
  readonly headers: HttpHeaders | undefined
  /** AWS's own counts, as they came. */
  readonly metrics: Json
  /** A guardrail has answered in the model's place. */
  readonly isIntervened: boolean
}

function isGuardrailIn(json: unknown): boolean {
  return jsonObject(json)['amazon-bedrock-guardrailAction'] === 'INTERVENED'
}

/** Readings of the maker's body, with what AWS says beside it: which model, how it was served, how much. */
function asServed(
  readings: readonly UsageReading[],
  { call, headers, metrics, isIntervened }: Invocation,
): readonly UsageReading[] {
  const isCounted = readings.some(({ raw }) => raw !== undefined)
  // Of a prompt that a guardrail has refused, no model was given anything to read.
  if (isIntervened && !isCounted && Object.keys(metrics).length === 0) return []
  const { serviceTier, details } = served({}, headers)
  // Of several the last is that of the model that answered; the others worked for it.
  const answering = readings.at(-1)?.model
  return readings.map((reading) => {
    const counted = readings.length === 1 ? withMetrics(reading, metrics) : reading
    const isAnswer = reading.model === answering
    return {
      ...counted,
      model: isAnswer ? modelOf(call.body.model, { body: reading.model }) : reading.model,
      serviceTier: serviceTier ?? reading.serviceTier,
      details: { ...counted.details, ...details },
      // Its words are AWS's own, and no sign of tokens.
      ...(isIntervened && { isBeside: true as const }),
    }
  })
}

/**
 * Follows a stream whose events hold one JSON of the maker each: `{ chunk: { bytes } }`, as bytes from
 * the SDK, as base64 on the wire. The last one has AWS's counts beside the maker's fields.
 */
class InvokeStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #answer: StreamAnswer
  /** Of the maker, known by the first event that shows it. */
  #reader: StreamReader | undefined
  /** Of any other, and of what came before that. */
  #others: BodyStreamReader | undefined
  #metrics: Json | undefined
  #isIntervened = false

  constructor(call: Call, output: TokenEstimate, answer: StreamAnswer) {
    this.#call = call
    this.#output = output
    this.#answer = answer
  }

  get finished(): boolean {
    return this.#metrics !== undefined || this.#latest?.finished === true
  }

  get usageSeen(): boolean {
    return this.#metrics !== undefined || this.#latest?.usageSeen === true
  }

  get #latest(): StreamReader | undefined {
    return this.#reader ?? this.#others
  }

  push(event: unknown): unknown {
    const json = chunkOf(event) ?? event
    const metrics = jsonObject(json)[metricsField]
    if (typeof metrics === 'object' && metrics !== null) this.#metrics = metrics as Json
    if (isGuardrailIn(json)) this.#isIntervened = true
    this.#reader ??= this.#open(json)
    const reader = this.#reader ?? (this.#others ??= new BodyStreamReader(this.#output))
    reader.push(json)
    return event
  }

  readings(): readonly UsageReading[] {
    const found = this.#latest?.readings() ?? [unknownUsage()]
    const { headers } = this.#answer
    return asServed(found, {
      call: this.#call,
      headers,
      metrics: this.#metrics ?? {},
      isIntervened: this.#isIntervened,
    })
  }

  #open(event: unknown): StreamReader | undefined {
    const [call, output] = [this.#call, this.#output]
    const { type, choices, ...fields } = jsonObject(event)
    const opened = (endpoint: Endpoint) => endpoint.openStream?.(call, output, this.#answer)
    if (text(type)?.startsWith('message_')) return opened(messages)
    if (Array.isArray(choices)) return opened(chatCompletions)
    if (fields.messageStart !== undefined || fields.contentBlockDelta !== undefined) {
      return new ConverseStreamReader(call, output, this.#answer.headers)
    }
    return undefined
  }
}

/** The JSON of one event; `undefined` for what is none. */
export function chunkOf(event: unknown): unknown {
  const { bytes } = jsonObject(jsonObject(event).chunk)
  if (typeof bytes !== 'string' && !(bytes instanceof Uint8Array)) return undefined
  try {
    const json = new TextDecoder().decode(typeof bytes === 'string' ? fromBase64(bytes) : bytes)
    return JSON.parse(json) as unknown
  } catch {
    return undefined
  }
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
