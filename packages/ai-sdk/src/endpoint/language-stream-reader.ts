import { Refusals } from '@token-meter/anthropic/usage'
import {
  type Call,
  type HttpHeaders,
  isGap,
  jsonObject,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { answeredModel, type ModelAnswer } from '../usage/answer.ts'
import { creatorOf, hasCounts, mainLast, readEvents, readUsage } from '../usage/read-usage.ts'
import { asBlock, seeFinish } from '../usage/refusals.ts'
import { ToolItems } from '../usage/tool-items.ts'
import { RawEvents } from './raw-events.ts'

/** The parts that matter here; all of their fields can be missing or odd. */
interface Part {
  readonly type?: unknown
  readonly id?: unknown
  readonly delta?: unknown
  readonly input?: unknown
  readonly toolCallId?: unknown
  readonly modelId?: unknown
  readonly usage?: unknown
  readonly finishReason?: unknown
  readonly providerMetadata?: unknown
  readonly rawValue?: unknown
}

const noAnswer: ModelAnswer = {
  usage: undefined,
  providerMetadata: undefined,
  body: undefined,
  modelId: undefined,
}

/** Follows a language model's stream, whose usage comes with its last part, `finish`. */
export class LanguageStreamReader implements StreamReader {
  /** The provider's own events were asked for by the meter: the caller must not see them. */
  readonly rewrites: boolean
  readonly #call: Call
  readonly #output: TokenEstimate
  #modelId: unknown
  #responseId: unknown
  #finish: Part | undefined
  /** Anthropic says with its first event what the input is (`anthropic.message_start`). */
  #start: ModelAnswer | undefined
  readonly #headers: HttpHeaders | undefined
  /** The provider's own events, where they were asked for. */
  readonly #raw: RawEvents
  readonly #tools: ToolItems
  #failed = false
  /** Tool calls whose input was counted as it came, until the whole one is repeated. */
  readonly #streamedTools = new Set<unknown>()
  readonly #refusals: Refusals
  /** By the provider's own events, which say more than the parts made of them. */
  readonly #rawRefusals: Refusals
  #rawStopped = false

  constructor(
    call: Call,
    output: TokenEstimate,
    headers: HttpHeaders | undefined,
    hidesRaw: boolean,
  ) {
    this.#call = call
    this.#output = output
    this.#refusals = new Refusals(call.provider)
    this.#rawRefusals = new Refusals(call.provider)
    this.#headers = headers
    this.rewrites = hidesRaw
    const { provider, body } = call
    const asked = String(body.model)
    const creator = creatorOf(provider, asked)
    this.#raw = new RawEvents({ ...call, provider: creator, body: { model: asked } }, headers)
    this.#tools = new ToolItems(call)
  }

  get finished(): boolean {
    return this.#finish !== undefined
  }

  get usageSeen(): boolean {
    return this.#finish !== undefined
  }

  push(event: unknown): unknown {
    if (typeof event !== 'object' || event === null) return event
    const part = event as Part
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta':
        this.#output.add(part.delta)
        break
      case 'text-start':
      case 'reasoning-start':
      case 'tool-input-start':
      case 'tool-result':
      case 'source':
      case 'file':
        if (part.type === 'file') this.#output.addAnswer()
        this.#refusals.seeBlock(part)
        if (part.type === 'tool-result') this.#tools.see(jsonObject(part))
        break
      case 'tool-input-delta':
        this.#output.addToolCall(part.delta)
        this.#streamedTools.add(part.id)
        break
      case 'tool-call':
        if (!this.#streamedTools.delete(part.toolCallId)) this.#output.addToolCall(part.input)
        this.#refusals.seeBlock(part)
        this.#tools.see(jsonObject(part))
        break
      case 'response-metadata':
        this.#modelId = part.modelId ?? this.#modelId
        this.#responseId = part.id ?? this.#responseId
        break
      case 'custom':
        if (!this.#seeStart(part)) this.#refusals.seeBlock(asBlock(part))
        break
      case 'raw':
        this.#raw.see(part.rawValue)
        this.#seeRaw(jsonObject(part.rawValue))
        return this.rewrites ? undefined : event
      case 'error':
        this.#failed = true
        break
      case 'finish':
        if (this.#finish === undefined || !isGap(part.usage, this.#finish.usage))
          this.#finish = part
        seeFinish(this.#refusals, part)
        break
      default:
    }
    return event
  }

  #seeStart({ providerMetadata }: Part): boolean {
    const { usage } = jsonObject(jsonObject(providerMetadata).anthropic)
    if (usage === undefined) return false
    this.#start = { ...noAnswer, usage: { raw: usage } }
    return true
  }

  #seeRaw(event: Readonly<Record<string, unknown>>): void {
    const { type, message } = event
    if (type === 'content_block_start') this.#rawRefusals.seeBlock(event.content_block)
    if (type === 'message_start') {
      this.#start = { ...noAnswer, usage: { raw: jsonObject(message).usage } }
    } else if (type === 'message_delta') {
      const { stop_reason, stop_details } = jsonObject(event.delta)
      this.#rawRefusals.seeStop(stop_reason, stop_details)
      this.#rawStopped = true
    }
  }

  readings(): readonly UsageReading[] {
    const { provider, body } = this.#call
    const asked = String(body.model)
    const refusals = this.#rawStopped ? this.#rawRefusals : this.#refusals
    const read = (answer: ModelAnswer) =>
      readUsage(
        {
          ...answer,
          modelId: this.#modelId,
          responseId: this.#responseId,
          refusals,
          headers: this.#headers,
        },
        provider,
        asked,
      )
    const ofEvents = mainLast(this.#raw.shape, this.#raw.readings())
    if (this.#finish !== undefined) {
      const { usage, providerMetadata } = this.#finish
      const said = {
        ...noAnswer,
        usage,
        providerMetadata,
        modelId: this.#modelId,
        responseId: this.#responseId,
        refusals,
      }
      const exact = readEvents(ofEvents, said, provider)
      if (exact !== undefined) return exact
      const readings = read({ ...said, body: this.#body(ofEvents) })
      if (readings.some(hasCounts)) return readings.map((reading) => this.#withProblem(reading))
    }
    // Refused before it began: nothing was generated.
    if (this.#failed && this.#output.isEmpty) return []
    if (this.#start !== undefined) return read(this.#start).map(withoutOutput)
    const model = answeredModel({ ...noAnswer, modelId: this.#modelId }, provider)
    return [{ ...unknownUsage(model), responseId: text(this.#responseId) }]
  }

  /** An image tool's tokens are in the provider's own events alone. */
  #withProblem(reading: UsageReading): UsageReading {
    const madeImages = this.#tools.output.some(({ type }) => type === 'image_generation_call')
    if (!madeImages || this.#raw.shape !== undefined) return reading
    const problem = 'the tokens of its image tool are not known: set includeRawChunks: true'
    return { ...reading, problems: [...reading.problems, problem] }
  }

  /** What is known of the answer's own object. */
  #body(ofEvents: readonly UsageReading[]): unknown {
    const { output } = this.#tools
    const usage = ofEvents.at(-1)?.raw
    if (output.length === 0 && usage === undefined) return undefined
    const isGoogle = this.#raw.shape === 'generateContent'
    return { output, ...(isGoogle ? { usageMetadata: usage } : { usage }) }
  }
}

/** What was generated since the first event is not in its usage. */
function withoutOutput(reading: UsageReading): UsageReading {
  return { ...reading, tokens: { ...reading.tokens, output: undefined } }
}
