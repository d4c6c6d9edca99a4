import {
  type Call,
  countReader,
  type Endpoint,
  isErrorAnswer,
  jsonObject,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { conversationBounds } from './bounds.ts'
import { chatCompletionsUsage } from '@token-meter/openai/usage'

/**
 * `POST /v1/conversations`, its continuation and its restart: several requests to a model and to
 * connectors in one answer, with one usage for all. The model is not in the usage but in the entries,
 * since an agent may be what was asked.
 */
export const conversations: Endpoint = {
  name: 'conversations',
  bounds: conversationBounds,
  read(response, { provider }) {
    if (isErrorAnswer(response, 'usage', ['outputs'])) return []
    const { conversation_id, outputs, usage } = jsonObject(response)
    const entries: readonly unknown[] = Array.isArray(outputs) ? outputs : []
    const model = entries.map((entry) => text(jsonObject(entry).model)).find(Boolean)
    return [readingOf({ usage, model, id: text(conversation_id), provider })]
  },
  openStream: (call, output) => new TypedStreamReader(call, output, 'conversation.response.done'),
  estimateInput: (body, estimate) =>
    estimate.addStrings([body.instructions, body.inputs, body.tools]),
  estimateOutput(response, estimate) {
    const { outputs } = jsonObject(response)
    for (const entry of Array.isArray(outputs) ? outputs : []) addEntry(entry, estimate)
  },
}

interface Answer {
  readonly usage: unknown
  readonly model: string | undefined
  readonly id: string | undefined
  readonly provider: string
}

function readingOf({ usage, model, id, provider }: Answer): UsageReading {
  const tier = text(jsonObject(usage).service_tier)
  const reading: UsageReading = { ...unknownUsage(model, tier), responseId: id }
  if (usage === undefined || usage === null) return reading
  return { ...reading, ...conversationUsage(usage, provider), requests: null, raw: usage }
}

/**
 * What a connector found is read by the model as well, and counted beside the prompt: `total_tokens` is
 * the sum of all three (https://docs.mistral.ai/agents/connectors/websearch).
 */
function conversationUsage(usage: unknown, provider: string) {
  const fields = jsonObject(usage)
  const problems: string[] = []
  const count = countReader(problems)
  const prompt = count(fields.prompt_tokens, 'prompt_tokens')
  const connectors = count(fields.connector_tokens, 'connector_tokens')
  if (prompt === undefined || connectors === undefined) {
    const counts = chatCompletionsUsage(usage, provider)
    return { ...counts, problems: [...new Set([...problems, ...counts.problems])] }
  }
  return chatCompletionsUsage({ ...fields, prompt_tokens: prompt + connectors }, provider)
}

/** An entry of an answer, or an event of its stream: what the model wrote of it. */
function addEntry(entry: unknown, estimate: TokenEstimate): void {
  const { type, content, text: words, name, arguments: args } = jsonObject(entry)
  // Has again what its deltas had.
  if (type === 'transcription.segment') return
  if (type === 'function.call' || type === 'function.call.delta') {
    estimate.addToolCall(name)
    estimate.addToolCall(args)
  } else {
    estimate.addStrings(content)
    estimate.add(words)
  }
}

/** Follows a stream whose events say what they are, and whose last one has the usage of all. */
export class TypedStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #lastEvent: string
  #finished = false
  #usage: unknown
  #model: string | undefined
  #id: string | undefined
  #isRefused = false
  readonly #completed: (reading: UsageReading) => UsageReading

  /**
   * @param lastEvent the `type` of the event that ends the stream and has its usage.
   * @param completed adds to the reading what the events do not say.
   */
  constructor(
    call: Call,
    output: TokenEstimate,
    lastEvent: string,
    completed = (reading: UsageReading) => reading,
  ) {
    this.#call = call
    this.#output = output
    this.#lastEvent = lastEvent
    this.#completed = completed
  }

  get finished(): boolean {
    return this.#finished
  }

  get usageSeen(): boolean {
    return this.#usage !== undefined
  }

  push(event: unknown): unknown {
    const { type, model, usage, conversation_id } = jsonObject(event)
    this.#model ??= text(model)
    this.#id ??= text(conversation_id)
    if (type === this.#lastEvent) {
      this.#finished = true
      this.#usage = usage ?? undefined
      if (this.#output.isEmpty) addEntry(event, this.#output)
    } else if (isErrorAnswer(event, 'usage', ['type'])) this.#isRefused = true
    else addEntry(event, this.#output)
    return event
  }

  readings(): readonly UsageReading[] {
    const { provider } = this.#call
    // Refused before it began: nothing was generated.
    if (this.#isRefused && this.#usage === undefined && this.#output.isEmpty) return []
    const answer = { usage: this.#usage, model: this.#model, id: this.#id, provider }
    return [this.#completed(readingOf(answer))]
  }
}
