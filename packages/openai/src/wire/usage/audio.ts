import {
  type UsageCounts,
  countReader,
  jsonObject,
  noTokens,
  statedCost,
  usageDetails,
} from '@token-meter/core/wire'
import { disjointCounts } from './inclusive-usage.ts'
import { mediaTokens } from './details.ts'

/**
 * The `usage` of a transcription, a translation or speech: tokens, or the length of the audio for
 * models that are billed by it (`type: 'duration'`).
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host.
 */
export function audioUsage(usage: unknown, provider = 'openai'): UsageCounts {
  const fields = jsonObject(usage)
  const isDuration = fields.type === 'duration'
  if (isDuration || (fields.seconds !== undefined && fields.input_tokens === undefined)) {
    return secondsUsage(fields.seconds)
  }
  const problems: string[] = []
  const count = countReader(problems)
  const input = jsonObject(fields.input_token_details ?? fields.input_tokens_details)
  const output = jsonObject(fields.output_token_details ?? fields.output_tokens_details)
  const { tokens, total } = disjointCounts(
    {
      input:
        count(fields.input_tokens, 'input_tokens') ?? count(fields.prompt_tokens, 'prompt_tokens'),
      cachedInput: count(input.cached_tokens, 'cached_tokens'),
      cachedWrite: undefined,
      output:
        count(fields.output_tokens, 'output_tokens') ??
        count(fields.completion_tokens, 'completion_tokens'),
      reasoning: undefined,
      total: count(fields.total_tokens, 'total_tokens'),
    },
    provider,
    problems,
  )
  const details = usageDetails({
    ...mediaTokens({ input, output }, count),
    // Mistral's sound is billed by the minute: https://mistral.ai/pricing
    seconds: count(fields.prompt_audio_seconds, 'prompt_audio_seconds'),
  })
  return { tokens, total, details: { ...details, ...statedCost(fields, provider) }, problems }
}

/** The usage of what is billed by its length, and has no tokens. Takes numbers, and text of them. */
export function secondsUsage(seconds: unknown): UsageCounts {
  const number = typeof seconds === 'string' && seconds !== '' ? Number(seconds) : seconds
  const isLength = typeof number === 'number' && Number.isFinite(number) && number >= 0
  return {
    tokens: noTokens,
    details: usageDetails({ seconds: isLength ? number : undefined }),
    problems: isLength ? [] : ['seconds are missing, or are no length of time'],
  }
}
