import { countReader, jsonObject, type UsageCounts, usageDetails } from '@token-meter/core/adapter'
import { generateContentUsage } from '@token-meter/google/usage'
import { metadataOf, type ModelAnswer, serviceTier } from './model-answer.ts'
import { wireShape } from './wire-usage.ts'

/** What speech and transcription say they used. */
export interface AudioUsage extends UsageCounts {
  readonly serviceTier: string | undefined
  readonly raw: unknown
}

/**
 * The usage of speech and transcription models: OpenAI's `{ type: 'tokens' | 'duration', ... }`, or
 * the AI SDK's own counts. Nothing is not unknown here: such models are billed by length.
 */
export function audioUsage(answer: ModelAnswer): AudioUsage {
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
  const inputDetails = jsonObject(usage.input_token_details ?? usage.input_tokens_details)
  // The AI SDK's own counts stand beside a usage object of a shape that we do not know.
  const tokensOf = (wire: string, normalised: string): number =>
    count(usage[wire], wire) ??
    count(usage[normalised], normalised) ??
    count(stated[normalised], normalised) ??
    0
  const input = tokensOf('input_tokens', 'inputTokens')
  const output = tokensOf('output_tokens', 'outputTokens')
  const total = count(usage.total_tokens, 'total_tokens') ?? count(usage.totalTokens, 'totalTokens')
  const isTotalAlone = Boolean(total) && input + output === 0
  if (total && !isTotalAlone && total !== input + output) {
    problems.push(`the total is ${total}, though its parts add up to ${input + output}`)
  }
  const tokens = {
    input: isTotalAlone ? undefined : input,
    cachedInput: 0,
    cachedWrite: 0,
    output: isTotalAlone ? undefined : output,
  }
  const seconds = typeof usage.seconds === 'number' && usage.seconds > 0 ? usage.seconds : undefined
  return {
    tokens,
    ...(isTotalAlone && { total }),
    details: usageDetails({
      audioInput: count(inputDetails.audio_tokens, 'audio_tokens'),
      seconds,
    }),
    problems,
    serviceTier: serviceTier(answer, usage),
    raw: Object.keys(usage).length > 0 ? usage : undefined,
  }
}
