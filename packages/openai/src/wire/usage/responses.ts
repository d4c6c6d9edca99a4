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
 * The `usage` of a response of the Responses API, of OpenAI, Azure, xAI, LM Studio and other
 * servers of that API, whose extra fields are read by name: Perplexity
 * `cache_read_input_tokens` and `cache_creation_input_tokens`, Orq `cache_creation_tokens`, Sakana
 * `orchestration_*_tokens`. Cached tokens and cache writes are inside the input, reasoning is inside
 * the output.
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host.
 * @param of `sum` where the object adds up many responses, whose counts can be of any size.
 */
export function responsesUsage(
  usage: unknown,
  provider = 'openai',
  of: UsageOf = 'response',
): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems, of)
  const fields = jsonObject(usage)
  const input = jsonObject(fields.input_tokens_details)
  const output = jsonObject(fields.output_tokens_details)
  const written = jsonObject(input.cache_write_tokens_details)

  const reasoning = count(output.reasoning_tokens, 'reasoning_tokens')
  const reported = {
    input: count(fields.input_tokens, 'input_tokens'),
    cachedInput:
      count(input.cached_tokens, 'cached_tokens') ||
      count(input.cache_read_input_tokens, 'cache_read_input_tokens'),
    cachedWrite:
      count(input.cache_write_tokens, 'cache_write_tokens') ??
      count(input.cache_creation_input_tokens, 'cache_creation_input_tokens') ??
      count(input.cache_creation_tokens, 'cache_creation_tokens'),
    output: count(fields.output_tokens, 'output_tokens'),
    reasoning,
    total: count(fields.total_tokens, 'total_tokens'),
  }
  const whole = withOrchestration(reported, { input, output }, count)
  const disjoint = disjointCounts(whole, provider, problems)
  const { tokens, total } = disjoint
  const details = usageDetails({
    reasoning: disjoint.reasoning,
    ...mediaTokens({ input, output }, count),
    cachedWrite30m: count(written.ttl_30m_tokens, 'ttl_30m_tokens'),
    cachedWrite12h: count(written.ttl_12h_tokens, 'ttl_12h_tokens'),
    ...toolFees(fields, count),
  })
  const stated = { ...searchContextSize(fields), ...statedCost(fields, provider) }
  return { tokens, total, details: { ...details, ...stated }, problems }
}
