import { countReader, jsonObject, mapCounts, type UsageCounts } from '@token-meter/core/wire'
import { generateContentUsage } from '@token-meter/google/usage'
import { audioUsage as wireAudioUsage } from '@token-meter/openai/usage'
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
export function audioUsage(answer: ModelAnswer, provider: string): AudioUsage {
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
