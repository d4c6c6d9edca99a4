import {
  type Call,
  type Endpoint,
  type StreamReader,
  type TokenEstimate,
  type UsageCounts,
  type UsageReading,
  jsonObject,
  noTokens,
  text,
  unknownUsage,
} from '@token-meter/core/wire'
import { audioUsage, secondsUsage } from './usage/audio.ts'
import { isRefusal } from './any-answer.ts'
import { audioBounds } from './bounds.ts'

/**
 * `POST /audio/transcriptions` and `/audio/translations`. An answer as text, SRT or VTT, and most
 * translations, have neither tokens nor the length of the audio: such a record has the requested
 * model, and an estimate of the text alone, flagged.
 */
export function transcriptions(name: string): Endpoint {
  return {
    name,
    inputs: ['file', 'file_id', 'file_url', 'url', 'audio', 'audio_url', 'input'],
    content: 'text',
    bounds: audioBounds,
    read(response, { provider }): readonly UsageReading[] {
      if (isRefusal(response)) return []
      const { usage, duration, model } = jsonObject(response)
      if (usage !== undefined && usage !== null) {
        return [audioReading(audioUsage(usage, provider), text(model), usage)]
      }
      // The verbose form of models that are billed by the length of the audio.
      if (duration === undefined || duration === null) return [audioReading(undefined, text(model))]
      return [audioReading(secondsUsage(duration), text(model))]
    },
    openStream: (call, output) => new AudioStreamReader(call, output, 'transcript.text.done'),
    estimateInput: (body, estimate) => estimate.add(body.prompt),
    estimateOutput(response, estimate) {
      estimate.add(typeof response === 'string' ? response : jsonObject(response).text)
    },
  }
}

/**
 * `POST /audio/speech`. The answer is audio, which nobody looks at: what is known is the length of
 * the text. Most models are billed by that; the GPT models are billed by tokens, which only
 * `stream_format: 'sse'` tells, so that a record of theirs is an estimate otherwise.
 */
export const speech: Endpoint = {
  name: 'audio.speech',
  content: 'binary',
  bounds: audioBounds,
  read: (_, { body }) => [spoken(body)],
  openStream: (call, output) => new AudioStreamReader(call, output, 'speech.audio.done'),
  estimateInput: (body, estimate) => estimate.addStrings([body.input, body.instructions]),
  estimateOutput: () => {},
}

function spoken(body: Call['body']): UsageReading {
  const reading = { ...unknownUsage(), details: { characters: characters(body.input) } }
  if (typeof body.model === 'string' && body.model.includes('gpt')) return reading
  return { ...reading, tokens: noTokens }
}

/** As people count them: by code point. */
function characters(input: unknown): number {
  if (typeof input !== 'string') return 0
  let count = 0
  for (const _ of input) count++
  return count
}

/** Follows streamed speech or a streamed transcription: the last event has the usage. */
export class AudioStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #lastEvent: string
  #events = 0
  #finished = false
  #usage: unknown
  #refused = false
  readonly #isSpeech: boolean

  constructor(call: Call, output: TokenEstimate, lastEvent: string) {
    this.#call = call
    this.#output = output
    this.#lastEvent = lastEvent
    this.#isSpeech = lastEvent.startsWith('speech.')
  }

  get finished(): boolean {
    return this.#finished
  }

  get usageSeen(): boolean {
    return this.#finished
  }

  push(event: unknown): unknown {
    const { type, delta, usage } = jsonObject(event)
    this.#events++
    if (isRefusal(event)) this.#refused = true
    // Text alone: what is spoken is audio, whatever its field is called.
    if (!this.#isSpeech) this.#output.add(delta)
    if (type === this.#lastEvent) {
      this.#finished = true
      this.#usage = usage ?? undefined
    }
    return event
  }

  readings(): readonly UsageReading[] {
    if (this.#usage !== undefined) {
      return [audioReading(audioUsage(this.#usage, this.#call.provider), undefined, this.#usage)]
    }
    // Refused before it began: nothing was generated.
    if (this.#refused && this.#events === 1) return []
    return [this.#isSpeech ? spoken(this.#call.body) : unknownUsage()]
  }
}

/** A reading of counts that may be missing. */
export function audioReading(
  counts: UsageCounts | undefined,
  model: string | undefined,
  raw?: unknown,
): UsageReading {
  return { ...unknownUsage(model), ...counts, raw }
}
