import {
  type Call,
  jsonObject,
  type StreamReader,
  type TokenEstimate,
  unknownUsage,
  type UsageCounts,
  type UsageReading,
} from '@token-meter/core/wire'
import { audioUsage } from '../usage/audio.ts'
import { isRefusal } from './refusal.ts'

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

  constructor(call: Call, output: TokenEstimate, lastEvent: string) {
    this.#call = call
    this.#output = output
    this.#lastEvent = lastEvent
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
    // Text alone: the audio of speech is in `audio`.
    this.#output.add(delta)
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
    return this.#refused && this.#events === 1 ? [] : [unknownUsage()]
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
