import {
  type Call,
  type Endpoint,
  type HttpHeaders,
  type PlainEvent,
  RunningUsage,
  type StreamAnswer,
  type StreamReader,
  type TokenEstimate,
  type UsageReading,
  isLinkedBilling,
  jsonObject,
  text,
} from '@token-meter/core/wire'
import {
  type ChatContext,
  ChatRefusal,
  ChatTools,
  chatReadings,
  statedUsage,
} from './chat-reading.ts'
import { isRefusal } from './any-answer.ts'
import { chatBounds, completionBounds } from './bounds.ts'

function completions(
  name: string,
  inputs: readonly string[],
  bounds: NonNullable<Endpoint['bounds']>,
): Endpoint {
  return {
    name,
    inputs,
    bounds,
    isLinked: ({ provider, body }) => isLinkedBilling(provider, body),
    read: (response, { provider, body }, headers) =>
      readChat(response, { provider, requestedModel: body.model, headers }),
    openStream: (call, output, answer) => new ChatStreamReader(call, output, answer),
    estimateInput(body, estimate) {
      estimate.addStrings([body.messages, body.tools, body.functions])
      addTextOrTokens(body.prompt, estimate)
    },
    estimateOutput(response, estimate) {
      const { choices } = jsonObject(response)
      for (const choice of Array.isArray(choices) ? choices : []) {
        const { message, text: completion } = jsonObject(choice)
        estimate.add(completion)
        addMessage(message, estimate)
      }
    },
  }
}

/** What a whole (chat) completion used. */
export function readChat(response: unknown, context: ChatContext): readonly UsageReading[] {
  if (isRefusal(response)) return []
  const fields = jsonObject(response)
  const { id, model, usage, x_groq, choices, service_tier } = fields
  const all: readonly unknown[] = Array.isArray(choices) ? choices : []
  const refusal = new ChatRefusal(context.provider)
  refusal.see(response)
  const tools = new ChatTools()
  for (const choice of all) tools.see(jsonObject(choice).message)
  return chatReadings(
    {
      id: text(id),
      usage: statedUsage(usage, jsonObject(x_groq).usage, jsonObject(all[0]).usage),
      model: text(model),
      serviceTier: text(service_tier),
      perfMetrics: fields.perf_metrics,
      breakdown: fields.usage_breakdown ?? jsonObject(x_groq).usage_breakdown,
      tools: tools.details(),
      refusal: refusal.billing,
    },
    context,
  )
}

/** `POST /chat/completions` */
export const chatCompletions: Endpoint = completions('chat.completions', ['messages'], chatBounds)

/** `POST /completions`, the legacy form, whose usage is the same. */
export const legacyCompletions: Endpoint = completions(
  'completions',
  ['prompt', 'prompt_embeds', 'input_ids', 'messages'],
  completionBounds,
)

/** The parts of a streamed chunk that matter here; all of them can be missing or odd. */
interface Chunk {
  id?: unknown
  model?: unknown
  service_tier?: unknown
  usage?: unknown
  x_groq?: { usage?: unknown; usage_breakdown?: unknown }
  usage_breakdown?: unknown
  perf_metrics?: unknown
  choices?: { delta?: unknown; text?: unknown; finish_reason?: unknown; usage?: unknown }[]
}

/**
 * Follows a streamed (chat) completion. Its usages are running totals and never summed: Perplexity,
 * xAI and Gemini's OpenAI endpoint send one with every chunk.
 */
export class ChatStreamReader implements StreamReader {
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly rewrites: boolean
  #model: string | undefined
  #serviceTier: string | undefined
  #id: string | undefined
  readonly #usage = new RunningUsage()
  #breakdown: unknown
  #perfMetrics: unknown
  readonly #tools = new ChatTools()
  readonly #headers: HttpHeaders | undefined
  #choicesLeft: number
  #refused = false
  /** Only Anthropic leaves refusals out of the bill: nobody else's chunks are looked at for it. */
  readonly #refusal: ChatRefusal | undefined

  constructor(call: Call, output: TokenEstimate, { hidesUsage, headers }: StreamAnswer) {
    this.#headers = headers
    this.#call = call
    this.#output = output
    this.rewrites = hidesUsage === true
    this.#refusal = call.provider === 'anthropic' ? new ChatRefusal(call.provider) : undefined
    const { n } = call.body
    this.#choicesLeft = typeof n === 'number' && n > 1 ? n : 1
  }

  get finished(): boolean {
    return this.#choicesLeft <= 0
  }

  get usageSeen(): boolean {
    return this.#usage.isStated
  }

  push(event: unknown): unknown {
    const chunk = event as Chunk | null
    if (typeof chunk !== 'object' || chunk === null) return event
    // Azure's first chunk has an empty model, and an empty id.
    if (this.#id === undefined && typeof chunk.id === 'string' && chunk.id !== '') {
      this.#id = chunk.id
    }
    if (typeof chunk.model === 'string' && chunk.model !== '') this.#model = chunk.model
    if (typeof chunk.service_tier === 'string') this.#serviceTier = chunk.service_tier
    this.#refusal?.see(chunk)
    const choices = Array.isArray(chunk.choices) ? chunk.choices : undefined
    if (choices === undefined && isRefusal(chunk)) this.#refused = true
    if (choices !== undefined) for (const choice of choices) this.#seeChoice(choice)

    const usage = chunk.usage ?? chunk.x_groq?.usage ?? choices?.[0]?.usage ?? undefined
    if (usage !== undefined) {
      this.#usage.see(statedUsage(chunk.usage, chunk.x_groq?.usage, choices?.[0]?.usage))
    }
    if (chunk.perf_metrics !== undefined) this.#perfMetrics = chunk.perf_metrics
    this.#breakdown = chunk.usage_breakdown ?? chunk.x_groq?.usage_breakdown ?? this.#breakdown
    if (!this.rewrites) return event
    // Azure sends empty choices with filter results first: only the usage chunk is ours to hide.
    if (usage !== undefined && choices?.length === 0) return undefined
    return chunk.usage === null ? withoutNullUsage(chunk) : event
  }

  plain(event: unknown): PlainEvent | undefined {
    if (this.#refusal !== undefined) return undefined
    const { choices, usage, x_groq, perf_metrics, usage_breakdown } = event as Chunk
    if ((usage ?? x_groq ?? perf_metrics ?? usage_breakdown ?? undefined) !== undefined)
      return undefined
    if (choices?.length !== 1) return undefined
    const choice = choices[0] as NonNullable<Chunk['choices']>[number]
    if ((choice.usage ?? choice.finish_reason ?? undefined) !== undefined) return undefined
    if (typeof choice.text === 'string' && choice.delta === undefined) {
      return { text: ['choices', 0, 'text'], ignored: ignoredFields }
    }
    const delta = jsonObject(choice.delta)
    const field = onlyField(delta)
    const path = ['choices', 0, 'delta'] as const
    if (field === 'tool_calls') {
      if (!isOnlyArguments(delta.tool_calls)) return undefined
      const text = [...path, 'tool_calls', 0, 'function', 'arguments']
      return { text, isToolCall: true, ignored: ignoredFields }
    }
    if (!textFields.has(field) || typeof delta[field] !== 'string') return undefined
    return { text: [...path, field], ignored: ignoredFields }
  }

  #seeChoice(choice: NonNullable<Chunk['choices']>[number] | null): void {
    if (typeof choice !== 'object' || choice === null) return
    if (choice.delta !== undefined) {
      addMessage(choice.delta, this.#output)
      this.#tools.see(choice.delta)
    }
    this.#output.add(choice.text)
    if (typeof choice.finish_reason === 'string') this.#choicesLeft--
  }

  readings(): readonly UsageReading[] {
    // Refused before it began: nothing was generated.
    const { latest } = this.#usage
    if (this.#refused && latest === undefined && this.#output.isEmpty) return []
    return chatReadings(
      {
        id: this.#id,
        usage: latest,
        model: this.#model,
        serviceTier: this.#serviceTier,
        perfMetrics: this.#perfMetrics,
        breakdown: this.#breakdown,
        tools: this.#tools.details(),
        refusal: this.#refusal?.billing,
      },
      {
        provider: this.#call.provider,
        requestedModel: this.#call.body.model,
        headers: this.#headers,
      },
    )
  }
}

/** What differs from chunk to chunk and says nothing of what was used. */
const ignoredFields = ['obfuscation', 'created']
const textFields: ReadonlySet<string> = new Set([
  'content',
  'reasoning_content',
  'reasoning',
  'refusal',
])

/** The one field of a delta that has something to count; empty where there is none, or several. */
function onlyField(delta: Readonly<Record<string, unknown>>): string {
  const full = Object.keys(delta).filter((key) => {
    const value = delta[key]
    return key !== 'role' && value !== null && value !== ''
  })
  return full.length === 1 ? (full[0] as string) : ''
}

/** A piece of the arguments of one tool call, which was named before. */
function isOnlyArguments(toolCalls: unknown): boolean {
  if (!Array.isArray(toolCalls) || toolCalls.length !== 1) return false
  const { function: called, custom } = jsonObject(toolCalls[0])
  const { name, arguments: args, input } = jsonObject(called)
  return typeof args === 'string' && (name ?? input ?? custom ?? '') === ''
}

/** A stream that is asked for its usage has `usage: null` in every chunk but the last. */
function withoutNullUsage(chunk: Chunk): object {
  const { usage: _, ...rest } = chunk
  return rest
}

/** Adds the text of a message or of a streamed part of one: what is billed as output. */
export function addMessage(message: unknown, estimate: TokenEstimate): void {
  const fields = jsonObject(message)
  if (typeof fields.content === 'string') estimate.add(fields.content)
  // Some servers answer parts, as requests have them.
  else estimate.addStrings(fields.content)
  estimate.add(fields.refusal)
  estimate.add(fields.reasoning_content)
  estimate.add(fields.reasoning)
  addCall(fields.function_call, estimate)
  if (fields.audio !== undefined && fields.audio !== null) {
    estimate.addAnswer()
    estimate.add(jsonObject(fields.audio).transcript)
  }
  if (!Array.isArray(fields.tool_calls)) return
  for (const toolCall of fields.tool_calls) {
    const { function: called, custom } = jsonObject(toolCall)
    addCall(called, estimate)
    addCall(custom, estimate)
  }
}

function addCall(called: unknown, estimate: TokenEstimate): void {
  const { name, arguments: args, input } = jsonObject(called)
  estimate.addToolCall(name)
  estimate.addToolCall(args)
  estimate.addToolCall(input)
}

/** Adds what is given as text, as tokens, or as a list of either: a token is a number. */
export function addTextOrTokens(value: unknown, estimate: TokenEstimate): void {
  if (typeof value === 'number') estimate.addTokens(1)
  else if (Array.isArray(value)) for (const item of value) addTextOrTokens(item, estimate)
  else estimate.addStrings(value)
}
