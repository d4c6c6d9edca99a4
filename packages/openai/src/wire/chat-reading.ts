import {
  type HttpHeaders,
  type RefusalBilling,
  type UsageDetails,
  type UsageReading,
  allInput,
  allOutput,
  isStated,
  jsonObject,
  refusalBilling,
  text,
  unknownUsage,
  usageDetails,
} from '@token-meter/core/wire'
import { chatCompletionsUsage } from './usage/chat-completions.ts'

type Json = Readonly<Record<string, unknown>>

/** What a chat completion, whole or put together from its chunks, says of what it used. */
export interface ChatAnswer {
  readonly id: string | undefined
  /** The usage object; it may be missing. */
  readonly usage: unknown
  readonly model: string | undefined
  readonly serviceTier: string | undefined
  /** Fireworks' `perf_metrics`, which can have the only count of cached tokens. */
  readonly perfMetrics?: unknown
  /** Groq's `usage_breakdown`, of the models that a system of several used. */
  readonly breakdown?: unknown
  /** What tools ran at the provider. */
  readonly tools?: UsageDetails
  /** Whether it was refused, and whether that is billed. */
  readonly refusal?: RefusalBilling | undefined
}

/** Where the answer came from. */
export interface ChatContext {
  /** The server, by its host. */
  readonly provider: string
  readonly requestedModel?: unknown
  readonly headers?: HttpHeaders | undefined
}

/** The readings of an answer: one, or one for each model of a system of several. */
export function chatReadings(answer: ChatAnswer, context: ChatContext): readonly UsageReading[] {
  const { unbilled, problem } = answer.refusal ?? {}
  return readingsOf(answer, context).map((found) => {
    const reading = { ...found, responseId: answer.id }
    if (problem !== undefined) return { ...reading, problems: [...reading.problems, problem] }
    return unbilled === undefined ? reading : { ...reading, unbilled }
  })
}

function readingsOf(answer: ChatAnswer, context: ChatContext): readonly UsageReading[] {
  const { usage, model, breakdown, tools = {} } = answer
  // Mistral says it in the usage.
  const serviceTier = answer.serviceTier ?? text(jsonObject(usage).service_tier)
  const fees = { ...alwaysSearches(model ?? text(context.requestedModel)), ...tools }
  if (usage === undefined || usage === null) {
    const unknown = { ...unknownUsage(model, serviceTier), details: fees }
    return byModel(unknown, breakdown, fees, context.provider)
  }
  const { provider } = context
  const counts = chatCompletionsUsage(withCached(usage, answer.perfMetrics, context), provider)
  const details = { ...fees, ...counts.details }
  // Tools of the provider ran between several requests to the model.
  const sum = Object.keys(tools).length > 0 ? { requests: null } : {}
  const whole = { ...counts, ...sum, details, model, serviceTier, raw: usage }
  return byModel(whole, breakdown, fees, provider)
}

/**
 * OpenAI's models that search the web before each answer, for a fee that no usage shows:
 * https://developers.openai.com/api/docs/guides/tools-web-search
 */
const searchModel = /^(?:openai\/)?gpt-[\w.]+(?:-mini)?-search-(?:preview|api)(?![a-z])/

function alwaysSearches(model: string | undefined): UsageDetails {
  return model !== undefined && searchModel.test(model) ? { webSearchRequests: 1 } : {}
}

/**
 * Fireworks counts cached tokens in a header of a whole response and in its metrics, and not
 * always in the usage: https://docs.fireworks.ai/guides/prompt-caching
 */
function withCached(usage: unknown, perfMetrics: unknown, { headers }: ChatContext): unknown {
  const name = 'cached-prompt-tokens'
  const stated = jsonObject(perfMetrics)[name] ?? headers?.get(`fireworks-${name}`)
  const cached = typeof stated === 'string' ? Number(stated) : stated
  if (!Number.isSafeInteger(cached) || Number(cached) < 0) return usage
  const known = jsonObject(jsonObject(usage).prompt_tokens_details).cached_tokens
  return known === undefined || known === null
    ? { ...jsonObject(usage), cached_tokens: cached }
    : usage
}

/**
 * The models of a system of several, each with what it used: Groq bills its systems as the models in
 * them (https://groq.com/pricing). What is not the whole, or names no model, is no bill: the whole is one
 * reading then.
 *
 * @param whole what the answer says of all of them together, or that it says nothing.
 * @param fees of the whole: the parts have none.
 */
function byModel(
  whole: UsageReading,
  breakdown: unknown,
  fees: UsageDetails,
  provider: string,
): readonly UsageReading[] {
  const { models } = jsonObject(breakdown)
  if (!Array.isArray(models) || models.length === 0) return [whole]
  const { serviceTier } = whole
  const all = models.map(jsonObject).map(({ model, usage }: Json): UsageReading => {
    const counts = chatCompletionsUsage(usage, provider)
    const common = { requests: null, model: text(model), serviceTier, raw: usage }
    // What they add up to says that their zeros are none but zeros.
    return { ...counts, ...common, isBeside: true }
  })
  const isStatedWhole = whole.raw !== undefined && isStated(whole.raw)
  const isWhole = (['input', 'output'] as const).every((count) => {
    const sum = all.reduce((sum, { tokens }) => sum + allOf(tokens, count), 0)
    return isStatedWhole ? sum === allOf(whole.tokens, count) : sum > 0
  })
  if (!isWhole || all.some(({ model }) => model === undefined)) {
    const problem =
      'its usage_breakdown is not all of its usage: the whole is counted, as one model'
    return [{ ...whole, problems: [...whole.problems, problem] }]
  }
  const used = all.filter(({ tokens }) => allOf(tokens, 'input') + allOf(tokens, 'output') > 0)
  return used.map((reading, index) =>
    index === 0 ? { ...reading, details: { ...fees, ...reading.details } } : reading,
  )
}

function allOf(tokens: UsageReading['tokens'], count: 'input' | 'output'): number {
  if (tokens[count] === undefined) return NaN
  return count === 'input' ? allInput(tokens) : allOutput(tokens)
}

/** Servers give usage in several places: the first that counts anything, else the first there is. */
export function statedUsage(...candidates: readonly unknown[]): unknown {
  const given = candidates.filter((usage) => usage !== undefined && usage !== null)
  return given.find((usage) => isStated(usage)) ?? given[0]
}

const refusals = new Set<unknown>(['content_filter', 'refusal'])
const isBilled: RefusalBilling = {}

/**
 * Whether a chat completion is a refusal before any output, which Anthropic does not always bill
 * (`https://api.anthropic.com/v1/chat/completions`). Its category stands there only where the server
 * passes on `stop_details`.
 */
export class ChatRefusal {
  readonly #provider: string
  #isRefused = false
  #hasOutput = false
  #category: unknown

  constructor(provider: string) {
    this.#provider = provider
  }

  /** Of a whole completion, or of one chunk of it. */
  see(body: unknown): void {
    const { choices, stop_details } = jsonObject(body)
    this.#seeDetails(stop_details)
    for (const each of Array.isArray(choices) ? choices : []) {
      const choice = jsonObject(each)
      const message = jsonObject(choice.message ?? choice.delta)
      this.#seeDetails(choice.stop_details)
      this.#seeDetails(message.stop_details)
      if (refusals.has(choice.finish_reason) || choice.stop_reason === 'refusal') {
        this.#isRefused = true
      }
      if (choice.text || hasOutput(message)) this.#hasOutput = true
    }
  }

  #seeDetails(details: unknown): void {
    this.#category = jsonObject(details).category ?? this.#category
  }

  get billing(): RefusalBilling {
    if (!this.#isRefused || this.#hasOutput) return isBilled
    return refusalBilling(this.#provider, this.#category)
  }
}

/** The text of `refusal` is the server's, not the model's. */
function hasOutput(message: Readonly<Record<string, unknown>>): boolean {
  const { content, reasoning_content, reasoning, tool_calls, function_call } = message
  const all = [content, reasoning_content, reasoning, tool_calls, function_call]
  return all.some((part) => (Array.isArray(part) ? part.length > 0 : Boolean(part)))
}

type Fee = 'webSearchRequests' | 'webFetchRequests' | 'codeExecutionCalls'

/** Groq's names of its tools: https://console.groq.com/docs/compound/built-in-tools */
const groqTools: Readonly<Record<string, Fee>> = {
  search: 'webSearchRequests',
  web_search: 'webSearchRequests',
  visit: 'webFetchRequests',
  visit_website: 'webFetchRequests',
  python: 'codeExecutionCalls',
  code_interpreter: 'codeExecutionCalls',
  code_execution: 'codeExecutionCalls',
}

/** What tools ran at the provider for one chat completion, by the `executed_tools` of its messages. */
export class ChatTools {
  /** A streamed tool is told again when it has its output. */
  #seen: Map<string, Fee> | undefined

  /** Looks at a message, or a streamed part of one. */
  see(message: unknown): void {
    const { executed_tools: executed } = jsonObject(message)
    if (!Array.isArray(executed)) return
    for (const [place, tool] of executed.entries()) {
      const { type, index } = jsonObject(tool)
      const fee = groqTools[String(type)]
      if (fee !== undefined) (this.#seen ??= new Map()).set(`${String(index ?? place)}`, fee)
    }
  }

  details(): UsageDetails {
    const counts: Partial<Record<Fee, number>> = {}
    for (const fee of this.#seen?.values() ?? []) counts[fee] = (counts[fee] ?? 0) + 1
    return usageDetails(counts)
  }
}
