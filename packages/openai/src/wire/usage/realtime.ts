import { countReader, jsonObject, type UsageCounts, usageDetails } from '@token-meter/core/wire'
import { mediaTokens } from './details.ts'
import { disjointCounts } from './inclusive-usage.ts'

/**
 * The `usage` of a realtime response (`response.done`), GA and beta. Text, audio and image tokens
 * are inside the input, and so are the cached ones of each kind.
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host.
 */
export function realtimeUsage(usage: unknown, provider = 'openai'): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const input = jsonObject(fields.input_token_details)
  const output = jsonObject(fields.output_token_details)

  const reasoning = count(output.reasoning_tokens, 'reasoning_tokens')
  const {
    tokens,
    total,
    reasoning: inside,
  } = disjointCounts(
    {
      input: count(fields.input_tokens, 'input_tokens'),
      cachedInput: count(input.cached_tokens, 'cached_tokens'),
      cachedWrite: undefined,
      output: count(fields.output_tokens, 'output_tokens'),
      reasoning,
      total: count(fields.total_tokens, 'total_tokens'),
    },
    provider,
    problems,
  )
  const details = usageDetails({
    reasoning: inside,
    ...mediaTokens({ input, output }, count),
  })
  return { tokens, total, details, problems }
}
