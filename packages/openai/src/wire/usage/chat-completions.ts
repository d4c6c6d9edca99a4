import { disjointCounts, withOrchestration } from './inclusive-usage.ts'
import { mediaTokens, searchContextSize, toolFees } from './details.ts'
import {
  type UsageCounts,
  type UsageOf,
  countReader,
  jsonObject,
  statedCost,
  usageDetails,
} from '@token-meter/core/wire'

/**
 * The `usage` of chat completions and legacy completions, of OpenAI and of compatible servers,
 * whose extra fields are read by name: DeepSeek `prompt_cache_hit_tokens`, Moonshot
 * `cached_tokens`, Mistral `num_cached_tokens`, Alibaba `cache_creation_input_tokens`, LiteLLM's and
 * Databricks's `cache_read_input_tokens`, Perplexity and Azure `reasoning_tokens`, Sakana
 * `orchestration_*_tokens`, Mistral `prompt_audio_seconds`, the counts of server-side tools, and the
 * cost that OpenRouter, Vercel, xAI, Perplexity and DeepInfra report.
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host; decides what the numbers leave open.
 * @param of `sum` where the object adds up many responses, whose counts can be of any size.
 */
export function chatCompletionsUsage(
  usage: unknown,
  provider = 'openai',
  of: UsageOf = 'response',
): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems, of)
  const fields = jsonObject(usage)
  const prompt = jsonObject(fields.prompt_tokens_details ?? fields.prompt_token_details)
  const completion = jsonObject(fields.completion_tokens_details)

  const reasoning =
    count(completion.reasoning_tokens, 'reasoning_tokens') ??
    count(fields.reasoning_tokens, 'reasoning_tokens')
  const reported = {
    input: count(fields.prompt_tokens, 'prompt_tokens'),
    // Some servers say it twice, the second time as a zero.
    cachedInput:
      count(prompt.cached_tokens, 'cached_tokens') ||
      (count(fields.prompt_cache_hit_tokens, 'prompt_cache_hit_tokens') ??
        count(fields.cached_tokens, 'cached_tokens') ??
        count(fields.num_cached_tokens, 'num_cached_tokens') ??
        count(fields.cache_read_input_tokens, 'cache_read_input_tokens')),
    cachedWrite:
      (count(prompt.cache_write_tokens, 'cache_write_tokens') ??
        count(prompt.cache_creation_input_tokens, 'cache_creation_input_tokens') ??
        count(prompt.cache_creation_tokens, 'cache_creation_tokens')) ||
      count(fields.cache_creation_input_tokens, 'cache_creation_input_tokens'),
    output: count(fields.completion_tokens, 'completion_tokens'),
    reasoning,
    total: count(fields.total_tokens, 'total_tokens'),
    // Each has a price of its own: https://docs.perplexity.ai/getting-started/pricing
    hasReasoningBeside: provider === 'perplexity',
  }
  const whole = withOrchestration(reported, { input: prompt, output: completion }, count)
  const disjoint = disjointCounts(whole, provider, problems)
  const written = jsonObject(prompt.cache_write_tokens_details)
  const { tokens, total } = disjoint
  const details = usageDetails({
    reasoning: disjoint.reasoning,
    ...mediaTokens({ input: prompt, output: completion }, count),
    acceptedPrediction: count(completion.accepted_prediction_tokens, 'accepted_prediction_tokens'),
    rejectedPrediction: count(completion.rejected_prediction_tokens, 'rejected_prediction_tokens'),
    cachedWrite30m: count(written.ttl_30m_tokens, 'ttl_30m_tokens'),
    cachedWrite12h: count(written.ttl_12h_tokens, 'ttl_12h_tokens'),
    ...toolFees(fields, count),
    // Mistral's sound is billed by the minute: https://mistral.ai/pricing
    seconds: count(fields.prompt_audio_seconds, 'prompt_audio_seconds'),
  })
  const stated = { ...searchContextSize(fields), ...statedCost(fields, provider) }
  return { tokens, total, details: { ...details, ...stated }, problems }
}

/**
 * The `usage` of an embeddings response: input only.
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host.
 */
export function embeddingsUsage(usage: unknown, provider = 'openai'): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const total = count(fields.total_tokens, 'total_tokens')
  // A zero beside a total is a gap: some servers fill in the total alone.
  const stated =
    count(fields.prompt_tokens, 'prompt_tokens') ?? count(fields.input_tokens, 'input_tokens')
  const input = stated || (total ?? stated)
  if (total && input !== total) {
    problems.push(`the total is ${total}, though the input is ${input}: the input is counted`)
  }
  const prompt = jsonObject(fields.prompt_tokens_details)
  const { audioInput, imageInput, videoInput } = mediaTokens({ input: prompt, output: {} }, count)
  const details = {
    ...usageDetails({ audioInput, imageInput, videoInput }),
    ...statedCost(fields, provider),
  }
  return { tokens: { input, cachedInput: 0, cachedWrite: 0, output: 0 }, details, problems }
}
