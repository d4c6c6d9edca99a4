import { countReader, jsonObject, type UsageCounts, usageDetails } from '@token-meter/core/wire'

type Json = Readonly<Record<string, unknown>>

/**
 * The counts of one usage object, or of one entry of its `iterations`, which has the same fields.
 * `input_tokens` excludes what was read from and written to the cache, so they are disjoint as they
 * come; `output_tokens` includes thinking.
 */
export function messageCounts(usage: Json): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const split = jsonObject(usage.cache_creation)
  const cachedWrite5m = count(split.ephemeral_5m_input_tokens, 'ephemeral_5m_input_tokens')
  const cachedWrite1h = count(split.ephemeral_1h_input_tokens, 'ephemeral_1h_input_tokens')
  const output = count(usage.output_tokens, 'output_tokens')
  const reasoning = count(
    jsonObject(usage.output_tokens_details).thinking_tokens,
    'thinking_tokens',
  )
  const tools = jsonObject(usage.server_tool_use)

  const isSplit = cachedWrite5m !== undefined || cachedWrite1h !== undefined
  const parts = (cachedWrite5m ?? 0) + (cachedWrite1h ?? 0)
  const cachedWrite =
    count(usage.cache_creation_input_tokens, 'cache_creation_input_tokens') ??
    (isSplit ? parts : undefined)
  const isWithin = isSplit && parts <= (cachedWrite ?? 0)
  if (isSplit && !isWithin) {
    problems.push(`cache_creation adds up to ${parts}, more than cache_creation_input_tokens`)
  }
  if (reasoning !== undefined && output !== undefined && reasoning > output) {
    problems.push(`thinking_tokens is ${reasoning}, more than output_tokens`)
  }
  return {
    tokens: {
      input: count(usage.input_tokens, 'input_tokens'),
      cachedInput: count(usage.cache_read_input_tokens, 'cache_read_input_tokens'),
      cachedWrite,
      output,
    },
    details: usageDetails({
      reasoning: reasoning !== undefined && reasoning <= (output ?? 0) ? reasoning : undefined,
      cachedWrite5m: isWithin ? cachedWrite5m : undefined,
      cachedWrite1h: isWithin ? cachedWrite1h : undefined,
      webSearchRequests: count(tools.web_search_requests, 'web_search_requests'),
      webFetchRequests: count(tools.web_fetch_requests, 'web_fetch_requests'),
      codeExecutionCalls: count(tools.code_execution_requests, 'code_execution_requests'),
    }),
    problems,
  }
}
