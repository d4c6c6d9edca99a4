import {
  type Call,
  type Endpoint,
  isErrorAnswer,
  jsonObject,
  RunningUsage,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageDetails,
  type UsageReading,
} from '@token-meter/core/wire'
import { contentBounds } from './bounds.ts'
import { Grounding } from './tools.ts'
import { generateContentUsage, servedTier } from './usage/generate-content.ts'

/** `POST models/...:generateContent` and `:streamGenerateContent` */
export const generateContent: Endpoint = {
  name: 'generateContent',
  bounds: contentBounds,
  read(response, { body }) {
    if (isRefusal(response)) return []
    const { usageMetadata, modelVersion, candidates, responseId } = jsonObject(response)
    const grounding = new Grounding()
    grounding.see(candidates)
    return [
      contentReading(usageMetadata ?? undefined, modelVersion, body.model, grounding, responseId),
    ]
  },
  openStream: (call, output) => new ContentStreamReader(call, output),
  estimateInput(body, estimate) {
    // A mock of the SDK's own method is called with `config`, a request has its fields beside.
    const { contents, systemInstruction, tools, config } = body
    estimate.addStrings([contents, systemInstruction, tools, config?.systemInstruction])
  },
  estimateOutput: (response, estimate) => addCandidates(jsonObject(response).candidates, estimate),
}

/** The reading of a `usageMetadata` that may be missing. */
export function contentReading(
  raw: unknown,
  modelVersion: unknown,
  requestedModel: unknown,
  grounding: Grounding,
  responseId?: unknown,
): UsageReading {
  const model = text(modelVersion)
  const fees = grounding.details(model ?? String(requestedModel))
  if (raw === undefined || raw === null) {
    return { ...unknownUsage(model), details: fees, responseId: text(responseId) }
  }
  const { tokens, total, details, problems } = generateContentUsage(raw)
  const serviceTier = servedTier(raw)
  return {
    model,
    tokens,
    total,
    details: { ...details, ...fees, ...unsplitOutput(details, grounding) },
    serviceTier,
    responseId: text(responseId),
    // A copy: the SDK goes on writing to the object that the caller gets.
    raw: Array.isArray(raw) || typeof raw !== 'object' ? raw : { ...raw },
    problems,
  }
}

/** Images, sound and text of an answer have different prices, and only its details say how much each. */
function unsplitOutput(details: UsageDetails, { hasMedia }: Grounding): UsageDetails {
  const { imageOutput, audioOutput, videoOutput } = details
  const isSplit = (imageOutput ?? audioOutput ?? videoOutput) !== undefined
  return hasMedia && !isSplit ? { unsplit: ['output'] } : {}
}

/** The parts of a streamed chunk that matter here; all of them can be missing or odd. */
interface Chunk {
  readonly candidates?: unknown
  readonly usageMetadata?: unknown
  readonly modelVersion?: unknown
  readonly responseId?: unknown
  readonly promptFeedback?: { readonly blockReason?: unknown } | null
}

/** Follows one HTTP response of streamGenerateContent, whose chunks carry running totals. */
class ContentStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #usage = new RunningUsage()
  readonly #grounding = new Grounding()
  #modelVersion: unknown
  #responseId: unknown
  #isFinished = false
  #isUsageFinal = false
  #isRefused = false

  constructor(call: Call, output: TokenEstimate) {
    this.#call = call
    this.#output = output
  }

  get finished(): boolean {
    return this.#isFinished
  }

  get usageSeen(): boolean {
    return this.#isUsageFinal
  }

  push(event: unknown): unknown {
    if (typeof event !== 'object' || event === null) return event
    const { candidates, usageMetadata, modelVersion, responseId, promptFeedback } = event as Chunk
    this.#responseId ??= responseId
    // SDK 1 hands an error inside the stream on as if it were a chunk.
    if (isRefusal(event)) this.#isRefused = true
    if (typeof modelVersion === 'string' && modelVersion !== '') this.#modelVersion = modelVersion
    if (Array.isArray(candidates)) {
      addCandidates(candidates, this.#output)
      this.#grounding.see(candidates)
      this.#isFinished ||= candidates.some((candidate) => Boolean(candidate?.finishReason))
    }
    this.#isFinished ||= Boolean(promptFeedback?.blockReason)
    if (this.#usage.see(usageMetadata)) {
      this.#isUsageFinal = this.#isFinished && this.#usage.isStated
    }
    return event
  }

  readings(): readonly UsageReading[] {
    const raw = this.#usage.latest
    if (this.#isRefused && raw === undefined && this.#output.isEmpty) return []
    const reading = contentReading(
      raw,
      this.#modelVersion,
      this.#call.body.model,
      this.#grounding,
      this.#responseId,
    )
    if (this.#isUsageFinal || raw === undefined) return [reading]
    const { candidatesTokenCount, candidatesTokensDetails, thoughtsTokenCount } = raw
    const isCounted = candidatesTokenCount ?? candidatesTokensDetails
    if ((isCounted !== undefined && isCounted !== null) || this.#output.isEmpty) return [reading]
    // The totals that came did not count the answer yet: what went by is estimated.
    if (typeof thoughtsTokenCount === 'number' && reading.details.reasoning === thoughtsTokenCount)
      this.#output.addTokens(thoughtsTokenCount)
    return [{ ...reading, tokens: { ...reading.tokens, output: undefined } }]
  }
}

/** Adds the text of candidates, or of streamed parts of them: what is billed as output. */
function addCandidates(candidates: unknown, output: TokenEstimate): void {
  if (!Array.isArray(candidates)) return
  for (const candidate of candidates) addContent(jsonObject(candidate).content, output)
}

/** Adds the text of one content object: its answer, thoughts, calls of functions and code. */
export function addContent(content: unknown, output: TokenEstimate): void {
  const { parts } = jsonObject(content)
  if (!Array.isArray(parts)) return
  for (const part of parts) {
    const { text, functionCall, executableCode, inlineData } = jsonObject(part)
    output.add(text)
    if (functionCall !== undefined) {
      const { name, args, partialArgs } = jsonObject(functionCall)
      output.addToolCall(name)
      output.addToolCall(args)
      output.addToolCall(partialArgs)
    }
    if (executableCode !== undefined) output.add(jsonObject(executableCode).code)
    if (inlineData !== undefined) output.addAnswer()
  }
}

/** True for an error in place of an answer. */
export function isRefusal(body: unknown): boolean {
  return isErrorAnswer(body, 'usageMetadata', ['candidates'])
}
