import { countReader, jsonObject, type UsageCounts, usageDetails } from '@token-meter/core/wire'

type Json = Readonly<Record<string, unknown>>

/**
 * The `usage` of Converse, and of Amazon's own models, which name the cached tokens otherwise
 * (`cacheReadInputTokenCount`). What was read from and written to the cache stands beside
 * `inputTokens`, so the counts are disjoint as they come; `outputTokens` includes reasoning.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 */
export function tokenUsage(usage: unknown): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const input = count(fields.inputTokens, 'inputTokens')
  const output = count(fields.outputTokens, 'outputTokens')
  const total = count(fields.totalTokens, 'totalTokens')
  const cachedInput =
    count(fields.cacheReadInputTokens, 'cacheReadInputTokens') ??
    count(fields.cacheReadInputTokenCount, 'cacheReadInputTokenCount')
  const written =
    count(fields.cacheWriteInputTokens, 'cacheWriteInputTokens') ??
    count(fields.cacheWriteInputTokenCount, 'cacheWriteInputTokenCount')
  const lifetimes = writtenByLifetime(fields.cacheDetails, count)
  const cachedWrite = written ?? (lifetimes.sum > 0 ? lifetimes.sum : undefined)
  const isWithin = lifetimes.sum <= (cachedWrite ?? 0)
  if (!isWithin) {
    problems.push(`cacheDetails adds up to ${lifetimes.sum}, more than cacheWriteInputTokens`)
  }
  const whole = { input, cachedInput, cachedWrite, output }
  const { tokens, rest } = completed(whole, total, problems)
  return {
    tokens,
    total: rest,
    details: usageDetails(isWithin ? lifetimes.details : {}),
    problems,
  }
}

type Tokens = UsageCounts['tokens']

/**
 * A total of 0 says nothing. Any other fills what is missing beside it, also a count that is 0; a
 * count that is not 0 stands against it.
 */
function completed(
  tokens: Tokens,
  total: number | undefined,
  problems: string[],
): { readonly tokens: Tokens; readonly rest: number | undefined } {
  const { input, cachedInput = 0, cachedWrite = 0, output } = tokens
  if (!total) return { tokens, rest: undefined }
  const cached = cachedInput + cachedWrite
  if (!input && !output && total > cached) {
    // Can be split by an estimate alone.
    return { tokens: { ...tokens, input: undefined, output: undefined }, rest: total }
  }
  const sum = (input ?? 0) + (output ?? 0)
  // Some models leave what was cached out of their total.
  if (total === sum || total === sum + cached) return { tokens, rest: undefined }
  const missing = total - sum - cached
  if (missing > 0 && (!input || !output)) {
    const name = input ? 'output' : 'input'
    if (tokens[name] === 0) {
      problems.push(`the ${name} is 0, which a total of ${total} contradicts: the rest is counted`)
    }
    return { tokens: { ...tokens, [name]: missing }, rest: undefined }
  }
  problems.push(
    `the total is ${total}, though its parts add up to ${sum + cached}: the parts are counted`,
  )
  return { tokens, rest: undefined }
}

/** What was written to the cache, by how long it is kept: `cacheDetails`. */
function writtenByLifetime(
  list: unknown,
  count: (value: unknown, name: string) => number | undefined,
) {
  const details = { cachedWrite5m: 0, cachedWrite1h: 0 }
  let sum = 0
  for (const entry of Array.isArray(list) ? list : []) {
    const { ttl, inputTokens }: Json = jsonObject(entry)
    const tokens = count(inputTokens, 'cacheDetails.inputTokens') ?? 0
    sum += tokens
    if (ttl === '5m') details.cachedWrite5m += tokens
    else if (ttl === '1h') details.cachedWrite1h += tokens
  }
  return { sum, details }
}
