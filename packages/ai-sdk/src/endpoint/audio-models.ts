import {
  type Call,
  countReader,
  type Endpoint,
  jsonObject,
  mapCounts,
  type StreamReader,
  type TokenEstimate,
  type UsageCounts,
  type UsageReading,
} from '@token-meter/core/wire'
import { generateContentUsage } from '@token-meter/google/usage'
import { audioUsage as wireAudioUsage } from '@token-meter/openai/usage'
import {
  answeredModel,
  metadataOf,
  type ModelAnswer,
  serviceTier,
  wholeAnswer,
} from '../usage/answer.ts'
import { withStatedCost } from '../usage/metadata-cost.ts'
import { wireShape } from '../usage/wire-usage.ts'
import { audioBounds } from './bounds.ts'

/** A speech model: by tokens where the provider says them, and by the characters it was given. */
export const speechModel: Endpoint = {
  name: 'speechModel',
  bounds: audioBounds,
  read: (result, call) => readSpeech(wholeAnswer(result), call),
  openStream: (call) => new LastPartReader(({ answer }) => readSpeech(answer, call)),
  estimateInput: (body, estimate) => estimate.add(body.text),
  estimateOutput: () => {},
}

function readSpeech(answer: ModelAnswer, { provider, body }: Call): readonly UsageReading[] {
  const { tokens, total, details, problems, raw, serviceTier } = audioUsage(answer, provider)
  // A streamed text is the caller's: how long it was only the provider can say.
  const { inputCharacters } = jsonObject(answer.usage)
  const given = typeof body.text === 'string' ? body.text.length : inputCharacters
  const characters = typeof given === 'number' && given > 0 ? { characters: given } : {}
  return [
    withStatedCost(
      {
        model: answeredModel(answer, provider),
        tokens,
        total,
        details: { ...details, ...characters },
        serviceTier,
        raw,
        problems,
      },
      answer,
    ),
  ]
}

/** A transcription model: by tokens where the provider says them, else by the audio's seconds. */
export const transcriptionModel: Endpoint = {
  name: 'transcriptionModel',
  bounds: audioBounds,
  // `doGenerateFromUrl` answers nothing where the provider cannot fetch the audio itself.
  read: (result, call) =>
    result === undefined
      ? []
      : readTranscription(wholeAnswer(result), jsonObject(result).durationInSeconds, call),
  openStream: (call, output) =>
    new LastPartReader(
      ({ answer, finish, seconds }) =>
        // Cut short, it is owed as far as it went.
        readTranscription(answer, jsonObject(finish).durationInSeconds ?? seconds, call),
      output,
    ),
  estimateInput: () => {},
  estimateOutput: (result, estimate) => estimate.add(jsonObject(result).text),
}

function readTranscription(
  answer: ModelAnswer,
  duration: unknown,
  { provider }: Call,
): readonly UsageReading[] {
  const { tokens, total, details, problems, raw, serviceTier } = audioUsage(answer, provider)
  const seconds =
    details.seconds ?? (typeof duration === 'number' && duration > 0 ? duration : undefined)
  return [
    withStatedCost(
      {
        model: answeredModel(answer, provider),
        tokens,
        total,
        details: seconds === undefined ? details : { ...details, seconds },
        serviceTier,
        raw,
        problems,
      },
      answer,
    ),
  ]
}

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
interface StreamSaid {
  readonly answer: ModelAnswer
  /** The last part, `undefined` where it never came. */
  readonly finish: unknown
  /** How far into the audio the parts went. */
  readonly seconds: number
}

/** Follows a stream of audio or transcript, which says what it used with its last part alone. */
class LastPartReader implements StreamReader {
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

/** What speech and transcription say they used. */
interface AudioUsage extends UsageCounts {
  readonly serviceTier: string | undefined
  readonly raw: unknown
}

/**
 * The usage of speech and transcription models: OpenAI's `{ type: 'tokens' | 'duration', ... }`, or
 * the AI SDK's own counts. Nothing is not unknown here: such models are billed by length.
 */
function audioUsage(answer: ModelAnswer, provider: string): AudioUsage {
  const problems: string[] = []
  const count = countReader(problems)
  const body = jsonObject(answer.body)
  const stated = jsonObject(answer.usage)
  const candidates = [
    stated.raw,
    answer.usage,
    ...metadataOf(answer).map(({ usage }) => usage),
    body.usage,
  ]
  const usage = candidates.map(jsonObject).find((fields) => Object.keys(fields).length > 0) ?? {}
  if (wireShape(usage) === 'generateContent') {
    return { ...generateContentUsage(usage), serviceTier: serviceTier(answer, usage), raw: usage }
  }
  const tier = serviceTier(answer, usage)
  if (wireFields.some((name) => usage[name] !== undefined)) {
    const { tokens, total, ...counts } = wireAudioUsage(usage, provider)
    const known = total === undefined ? mapCounts((name) => tokens[name] ?? 0) : tokens
    return { ...counts, total, tokens: known, serviceTier: tier, raw: usage }
  }
  // The AI SDK's own counts stand beside a usage object of a shape that we do not know.
  const tokensOf = (name: string): number =>
    count(usage[name], name) ?? count(stated[name], name) ?? 0
  const input = tokensOf('inputTokens')
  const output = tokensOf('outputTokens')
  const total = tokensOf('totalTokens')
  const isTotalAlone = total > 0 && input + output === 0
  if (total > 0 && !isTotalAlone && total !== input + output) {
    problems.push(`the total is ${total}, though its parts add up to ${input + output}`)
  }
  return {
    tokens: {
      input: isTotalAlone ? undefined : input,
      cachedInput: 0,
      cachedWrite: 0,
      output: isTotalAlone ? undefined : output,
    },
    ...(isTotalAlone && { total }),
    details: {},
    problems,
    serviceTier: tier,
    raw: Object.keys(usage).length > 0 ? usage : undefined,
  }
}

const wireFields = [
  'input_tokens',
  'output_tokens',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'seconds',
]
