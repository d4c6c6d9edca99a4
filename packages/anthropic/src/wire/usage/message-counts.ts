import {
  countReader,
  jsonObject,
  type RequestUsage,
  tokenTypes,
  type UsageCounts,
  usageDetails,
} from '@token-meter/core/wire'

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

/** Two usages of one model as one. A count that the first leaves open stays open. */
export function addCounts(first: UsageCounts, second: UsageCounts): UsageCounts {
  const [a, b] = [first.tokens, second.tokens]
  const details = { ...first.details } as Record<string, number>
  for (const [name, count] of Object.entries(second.details as Record<string, number>)) {
    details[name] = (details[name] ?? 0) + count
  }
  return {
    tokens: {
      input: plus(a.input, b.input),
      cachedInput: plus(a.cachedInput ?? 0, b.cachedInput),
      cachedWrite: plus(a.cachedWrite ?? 0, b.cachedWrite),
      output: plus(a.output, b.output),
    },
    details,
    problems: [...first.problems, ...second.problems],
  }
}

function plus(known: number | undefined, more: number | undefined): number | undefined {
  return known === undefined ? undefined : known + (more ?? 0)
}

/** Of how many requests a usage is the sum, and what each used where that is known. */
interface Requests {
  readonly requests?: number | null
  readonly parts?: readonly RequestUsage[]
}

/**
 * The requests of a message: each time that Anthropic asked the model by itself, between the runs of
 * its tools and to compact the conversation. The price of a long context is by each of them.
 *
 * @param own the iterations of the model that answered.
 * @param counts what they are together.
 */
export function messageRequests(usage: Json, own: readonly Json[], counts: UsageCounts): Requests {
  const parts = own.map(messageCounts).flatMap(({ tokens, details }): readonly RequestUsage[] => {
    const { input, cachedInput = 0, cachedWrite = 0, output } = tokens
    if (input === undefined || output === undefined) return []
    return [{ tokens: { input, cachedInput, cachedWrite, output }, details }]
  })
  const isWhole = tokenTypes.every(
    ({ count }) =>
      parts.reduce((sum, part) => sum + part.tokens[count], 0) === (counts.tokens[count] ?? 0),
  )
  if (parts.length > 0 && isWhole)
    return parts.length === 1 ? {} : { requests: parts.length, parts }
  if (own.length > 1) return { requests: own.length }
  const ranTools = Object.values(jsonObject(usage.server_tool_use)).some(Boolean)
  return ranTools ? { requests: null } : {}
}
