import {
  type Call,
  jsonObject,
  type StreamReader,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/adapter'
import { answeredModel, type ModelAnswer } from '../usage/model-answer.ts'
import { readUsage } from '../usage/read-usage.ts'

/** The parts that matter here; all of their fields can be missing or odd. */
interface Part {
  readonly type?: unknown
  readonly id?: unknown
  readonly delta?: unknown
  readonly input?: unknown
  readonly toolCallId?: unknown
  readonly modelId?: unknown
  readonly usage?: unknown
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
  #finish: Part | undefined
  /** Anthropic says with its first event what the input is (`anthropic.message_start`). */
  #start: ModelAnswer | undefined
  /** The provider's own events carry the usage as it came, where the caller asked for them. */
  #rawUsage: Readonly<Record<string, unknown>> | undefined
  #failed = false
  /** Tool calls whose input was counted as it came, until the whole one is repeated. */
  readonly #streamedTools = new Set<unknown>()

  constructor(call: Call, output: TokenEstimate) {
    this.#call = call
    this.#output = output
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
      case 'tool-input-delta':
        this.#output.add(part.delta)
        this.#streamedTools.add(part.id)
        break
      case 'tool-call':
        if (!this.#streamedTools.delete(part.toolCallId)) this.#output.add(part.input)
        break
      case 'response-metadata':
        this.#modelId = part.modelId ?? this.#modelId
        break
      case 'custom':
        this.#seeStart(part)
        break
      case 'raw':
        this.#seeRaw(jsonObject(part.rawValue))
        break
      case 'error':
        this.#failed = true
        break
      case 'finish':
        this.#finish = part
        break
      default:
    }
    return false
  }

  #seeStart({ providerMetadata }: Part): void {
    const { usage } = jsonObject(jsonObject(providerMetadata).anthropic)
    if (usage === undefined) return
    this.#start = { ...noAnswer, usage: { raw: usage } }
  }

  #seeRaw(event: Readonly<Record<string, unknown>>): void {
    const { type, message, usage, x_groq, usageMetadata, response } = event
    if (type === 'message_start') {
      const { usage: started } = jsonObject(message)
      this.#rawUsage = { usage: started }
      this.#start = { ...noAnswer, usage: { raw: started } }
    } else if (type === 'message_delta') {
      // Anthropic's last event gives the final counts, and null or nothing for the others.
      this.#rawUsage = { usage: withoutGaps(jsonObject(this.#rawUsage?.usage), jsonObject(usage)) }
    } else {
      const found = usage ?? jsonObject(x_groq).usage ?? jsonObject(response).usage
      if (found ?? usageMetadata) this.#rawUsage = { usage: found, usageMetadata }
    }
  }

  readings(): readonly UsageReading[] {
    const { provider, body } = this.#call
    const asked = String(body.model)
    const read = (answer: ModelAnswer) =>
      readUsage({ ...answer, modelId: this.#modelId }, provider, asked)
    if (this.#finish !== undefined) {
      const { usage, providerMetadata } = this.#finish
      const readings = read({ ...noAnswer, usage, providerMetadata, body: this.#rawUsage })
      if (readings.some(hasCounts)) return readings
    }
    // Refused before it began: nothing was generated.
    if (this.#failed && this.#output.isEmpty) return []
    if (this.#start !== undefined) return read(this.#start).map(withoutOutput)
    return [unknownUsage(answeredModel({ ...noAnswer, modelId: this.#modelId }, provider))]
  }
}

function hasCounts({ tokens }: UsageReading): boolean {
  return tokens.input !== undefined || tokens.output !== undefined
}

/** What was generated since the first event is not in its usage. */
function withoutOutput(reading: UsageReading): UsageReading {
  return { ...reading, tokens: { ...reading.tokens, output: undefined } }
}

/** Counts with later ones over them, where those say something. */
function withoutGaps(
  counts: Readonly<Record<string, unknown>>,
  later: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const filled: Record<string, unknown> = { ...counts }
  for (const [name, count] of Object.entries(later)) filled[name] = count ?? filled[name]
  return filled
}
