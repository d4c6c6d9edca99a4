import {
  type Call,
  type HttpHeaders,
  type StreamAnswer,
  RunningUsage,
  type StreamReader,
  type TokenEstimate,
  type UsageReading,
} from '@token-meter/core/wire'
import { addMessage } from './chat-message.ts'
import { chatReadings, statedUsage } from './chat-reading.ts'
import { ChatRefusal } from './chat-refusal.ts'
import { ChatTools } from './chat-tools.ts'
import { isRefusal } from './refusal.ts'

/** The parts of a streamed chunk that matter here; all of them can be missing or odd. */
interface Chunk {
  id?: unknown
  model?: unknown
  service_tier?: unknown
  usage?: unknown
  x_groq?: { usage?: unknown }
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
    if (chunk.usage_breakdown !== undefined) this.#breakdown = chunk.usage_breakdown
    if (!this.rewrites) return event
    // Azure sends empty choices with filter results first: only the usage chunk is ours to hide.
    if (usage !== undefined && choices?.length === 0) return undefined
    return chunk.usage === null ? withoutNullUsage(chunk) : event
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

/** A stream that is asked for its usage has `usage: null` in every chunk but the last. */
function withoutNullUsage(chunk: Chunk): object {
  const { usage: _, ...rest } = chunk
  return rest
}
