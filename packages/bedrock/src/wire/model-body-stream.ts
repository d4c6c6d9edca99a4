import {
  jsonObject,
  type StreamReader,
  type TokenEstimate,
  type UsageReading,
} from '@token-meter/core/wire'
import { Refusal } from './converse.ts'
import { addBodyText, bodyReading } from './model-body.ts'

/** Llama, Titan, Cohere, Mistral's text completion: each event has a piece of text, and perhaps counts. */
export class BodyStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #output: TokenEstimate
  /** What was said last of each field that can have a count. */
  readonly #counts: Record<string, unknown> = {}
  #isFinished = false
  readonly #refusal = new Refusal()

  constructor(output: TokenEstimate) {
    this.#output = output
  }

  get finished(): boolean {
    return this.#isFinished
  }

  get usageSeen(): boolean {
    return false
  }

  push(event: unknown): unknown {
    const fields = jsonObject(event)
    this.#refusal.see(event)
    addBodyText(fields, this.#output)
    for (const name of countFields) {
      // Llama says its prompt in the first event, and null in all others.
      const count = fields[name]
      if (typeof count === 'number') this.#counts[name] = count
    }
    for (const name of idFields)
      if (typeof fields[name] === 'string') this.#counts[name] ??= fields[name]
    const { stop_reason, completionReason, is_finished, outputs, response } = fields
    // Cohere's last event has the whole answer in it.
    const { meta } = jsonObject(response)
    if (meta !== undefined) this.#counts['meta'] = meta
    const stops = [stop_reason, completionReason, ...listed(outputs)]
    this.#isFinished ||= is_finished === true || stops.some((stop) => typeof stop === 'string')
    return event
  }

  readings(): readonly UsageReading[] {
    if (this.#refusal.isWhole) return []
    return [bodyReading(this.#counts, {})]
  }
}

const countFields = [
  'prompt_token_count',
  'generation_token_count',
  'inputTextTokenCount',
  'totalOutputTextTokenCount',
] as const

const idFields = ['id', 'response_id', 'generation_id'] as const

function listed(outputs: unknown): readonly unknown[] {
  return Array.isArray(outputs) ? outputs.map((each) => jsonObject(each).stop_reason) : []
}
