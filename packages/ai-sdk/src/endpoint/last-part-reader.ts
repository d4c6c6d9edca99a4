import type { StreamReader, TokenEstimate, UsageReading } from '@token-meter/core/wire'
import type { ModelAnswer } from '../usage/model-answer.ts'

interface Part {
  readonly type?: unknown
  readonly text?: unknown
  readonly delta?: unknown
  readonly modelId?: unknown
  readonly usage?: unknown
  readonly providerMetadata?: unknown
  readonly startSecond?: unknown
  readonly endSecond?: unknown
  readonly durationInSeconds?: unknown
}

/** What a stream has said when it ends. */
export interface StreamSaid {
  readonly answer: ModelAnswer
  /** The last part, `undefined` where it never came. */
  readonly finish: unknown
  /** How far into the audio the parts went. */
  readonly seconds: number
}

/** Follows a stream of audio or transcript, which says what it used with its last part alone. */
export class LastPartReader implements StreamReader {
  readonly rewrites = false
  readonly #read: (said: StreamSaid) => readonly UsageReading[]
  readonly #output: TokenEstimate | undefined
  #modelId: unknown
  #finish: Part | undefined
  #answered = false
  /** Parts repeat each other's text: those of the kind that came first are all of it. */
  #textOf: unknown
  #seconds = 0

  /** @param output gets the text of a transcript, for an estimate. */
  constructor(read: (said: StreamSaid) => readonly UsageReading[], output?: TokenEstimate) {
    this.#read = read
    this.#output = output
  }

  get finished(): boolean {
    return this.#finish !== undefined
  }

  get usageSeen(): boolean {
    return this.#finish !== undefined
  }

  push(event: unknown): unknown {
    const part = (event ?? {}) as Part
    if (part.type === 'response-metadata') this.#modelId = part.modelId ?? this.#modelId
    else if (part.type === 'finish') {
      this.#finish = part
      if (this.#textOf === undefined) this.#output?.add(part.text)
    } else if (part.type !== 'error' && part.type !== 'raw') {
      this.#answered = true
      this.#seconds = Math.max(this.#seconds, endOf(part))
      this.#seeText(part)
    }
    return event
  }

  /** What is not final is said again. */
  #seeText({ type, delta, text }: Part): void {
    if (type !== 'transcript-delta' && type !== 'transcript-final') return
    this.#textOf ??= type
    if (this.#textOf === type) this.#output?.add(type === 'transcript-delta' ? delta : text)
  }

  readings(): readonly UsageReading[] {
    // Refused before it began.
    if (this.#finish === undefined && !this.#answered) return []
    const { usage, providerMetadata } = this.#finish ?? {}
    return this.#read({
      answer: { usage, providerMetadata, body: undefined, modelId: this.#modelId },
      finish: this.#finish,
      seconds: this.#seconds,
    })
  }
}

function endOf({ startSecond, endSecond, durationInSeconds }: Part): number {
  if (isSeconds(endSecond)) return endSecond
  if (!isSeconds(durationInSeconds)) return 0
  return durationInSeconds + (isSeconds(startSecond) ? startSecond : 0)
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}
