import {
  type Endpoint,
  jsonObject,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { completionBounds } from './bounds.ts'
import { isRefusal } from './messages.ts'

/** `POST /v1/complete`, the legacy form, which never says what it used: its records are estimates. */
export const completions: Endpoint = {
  name: 'completions',
  bounds: completionBounds,
  read(response) {
    return isRefusal(response) ? [] : [unknownUsage(text(jsonObject(response).model))]
  },
  openStream: (_, output) => new CompletionStreamReader(output),
  estimateInput(body, estimate) {
    estimate.add(body.prompt)
  },
  estimateOutput(response, estimate) {
    estimate.add(jsonObject(response).completion)
  },
}

class CompletionStreamReader implements StreamReader {
  readonly rewrites = false
  readonly usageSeen = false
  readonly finished = false
  readonly #output: TokenEstimate
  #model: string | undefined
  #failed = false

  constructor(output: TokenEstimate) {
    this.#output = output
  }

  push(event: unknown): unknown {
    const { type, model, completion } = jsonObject(event)
    if (type === 'error') this.#failed = true
    this.#model = text(model) ?? this.#model
    this.#output.add(completion)
    return event
  }

  readings(): readonly UsageReading[] {
    return this.#failed && this.#output.isEmpty ? [] : [unknownUsage(this.#model)]
  }
}
