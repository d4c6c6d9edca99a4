import { Refusals } from '@token-meter/anthropic/usage'
import {
  type Call,
  isGap,
  jsonObject,
  RunningUsage,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/adapter'
import { asBlock, seeFinish } from '../usage/answer-refusals.ts'
import { StreamUsage } from '@token-meter/anthropic/usage'
import { answeredModel, type ModelAnswer } from '../usage/model-answer.ts'
import { hasCounts, readUsage } from '../usage/read-usage.ts'

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
  readonly hides = false
  readonly #call: Call
  readonly #output: TokenEstimate
  #modelId: unknown
  #responseId: unknown
  #finish: Part | undefined
  /** Anthropic says with its first event what the input is (`anthropic.message_start`). */
  #start: ModelAnswer | undefined
  /** The provider's own events carry the usage as it came, where the caller asked for them. */
  readonly #rawUsage = new RunningUsage()
  readonly #rawMetadata = new RunningUsage()
  readonly #rawMessage = new StreamUsage()
  #failed = false
  /** Tool calls whose input was counted as it came, until the whole one is repeated. */
  readonly #streamedTools = new Set<unknown>()
  readonly #refusals: Refusals
  /** By the provider's own events, which say more than the parts made of them. */
  readonly #rawRefusals: Refusals
  #rawStopped = false

  constructor(call: Call, output: TokenEstimate) {
    this.#call = call
    this.#output = output
    this.#refusals = new Refusals(call.provider)
    this.#rawRefusals = new Refusals(call.provider)
  }

  get finished(): boolean {
    return this.#finish !== undefined
  }

  get usageSeen(): boolean {
    return this.#finish !== undefined
  }

  see(event: unknown): boolean {
    if (typeof event !== 'object' || event === null) return false
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
        break
      case 'tool-input-delta':
        this.#output.addToolCall(part.delta)
        this.#streamedTools.add(part.id)
        break
      case 'tool-call':
        if (!this.#streamedTools.delete(part.toolCallId)) this.#output.addToolCall(part.input)
        this.#refusals.seeBlock(part)
        break
      case 'response-metadata':
        this.#modelId = part.modelId ?? this.#modelId
        this.#responseId = part.id ?? this.#responseId
        break
      case 'custom':
        if (!this.#seeStart(part)) this.#refusals.seeBlock(asBlock(part))
        break
      case 'raw':
        this.#seeRaw(jsonObject(part.rawValue))
        break
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
    return false
  }

  #seeStart({ providerMetadata }: Part): boolean {
    const { usage } = jsonObject(jsonObject(providerMetadata).anthropic)
    if (usage === undefined) return false
    this.#start = { ...noAnswer, usage: { raw: usage } }
    return true
  }

  #seeRaw(event: Readonly<Record<string, unknown>>): void {
    const { type, message, usage, x_groq, usageMetadata, response } = event
    if (type === 'content_block_start') this.#rawRefusals.seeBlock(event.content_block)
    if (type === 'message_start') {
      const { usage: started, id } = jsonObject(message)
      this.#rawMessage.start(started, id)
      this.#start = { ...noAnswer, usage: { raw: started } }
    } else if (type === 'message_delta') {
      const { stop_reason, stop_details } = jsonObject(event.delta)
      this.#rawRefusals.seeStop(stop_reason, stop_details)
      this.#rawStopped = true
      this.#rawMessage.delta(usage)
    } else {
      for (const found of [jsonObject(response).usage, jsonObject(x_groq).usage, usage]) {
        this.#rawUsage.see(found)
      }
      this.#rawMetadata.see(usageMetadata)
    }
  }

  /** As a whole answer has it. */
  get #body(): unknown {
    const usage = this.#rawMessage.usage ?? this.#rawUsage.latest
    const usageMetadata = this.#rawMetadata.latest
    return usage === undefined && usageMetadata === undefined ? undefined : { usage, usageMetadata }
  }

  readings(): readonly UsageReading[] {
    const { provider, body } = this.#call
    const asked = String(body.model)
    const refusals = this.#rawStopped ? this.#rawRefusals : this.#refusals
    const read = (answer: ModelAnswer) =>
      readUsage(
        { ...answer, modelId: this.#modelId, responseId: this.#responseId, refusals },
        provider,
        asked,
      )
    if (this.#finish !== undefined) {
      const { usage, providerMetadata } = this.#finish
      const readings = read({ ...noAnswer, usage, providerMetadata, body: this.#body })
      if (readings.some(hasCounts)) return readings
    }
    // Refused before it began: nothing was generated.
    if (this.#failed && this.#output.isEmpty) return []
    if (this.#start !== undefined) return read(this.#start).map(withoutOutput)
    const model = answeredModel({ ...noAnswer, modelId: this.#modelId }, provider)
    return [{ ...unknownUsage(model), responseId: text(this.#responseId) }]
  }
}

/** What was generated since the first event is not in its usage. */
function withoutOutput(reading: UsageReading): UsageReading {
  return { ...reading, tokens: { ...reading.tokens, output: undefined } }
}
