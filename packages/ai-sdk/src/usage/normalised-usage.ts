import {
  type CountReader,
  countReader,
  jsonObject,
  type UsageCounts,
  usageDetails,
} from '@token-meter/core/wire'
import { metadataOf, type ModelAnswer } from './answer.ts'

/** Providers whose V2 models count cached tokens beside the input, as their APIs do. */
const cachedOutside = new Set(['anthropic', 'bedrock'])

/**
 * The AI SDK's own counts, where the provider's usage object is not at hand or of no known shape:
 * nested in V3 and V4 (`inputTokens.noCache`), flat in V2 (`inputTokens` with the cached inside).
 */
export function normalisedUsage(answer: ModelAnswer, provider: string): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const usage = jsonObject(answer.usage)
  const isFlat = typeof usage.inputTokens !== 'object' || usage.inputTokens === null
  const inputs = isFlat
    ? { total: usage.inputTokens, cacheRead: usage.cachedInputTokens }
    : jsonObject(usage.inputTokens)
  const outputs =
    typeof usage.outputTokens === 'object' && usage.outputTokens !== null
      ? jsonObject(usage.outputTokens)
      : { total: usage.outputTokens, reasoning: usage.reasoningTokens }
  const whole = count((isFlat ? usage : jsonObject(usage.raw)).totalTokens, 'totalTokens')
  const total = count(inputs.total, 'total')
  const cachedInput = count(inputs.cacheRead, 'cacheRead') ?? 0
  const cachedWrite = count(inputs.cacheWrite, 'cacheWrite') ?? cachedWriteOfMetadata(answer, count)
  const cached = cachedInput + cachedWrite
  const isOutside =
    (isFlat && cachedOutside.has(provider)) || (total !== undefined && cached > total)
  const noCache = count(inputs.noCache, 'noCache')
  const stated = count(outputs.total, 'total')
  const reasoning = count(outputs.reasoning, 'reasoning')
  const written = added(count(jsonObject(outputs).text, 'text'), reasoning)
  if (whole && !total && !noCache && !stated && !written) {
    const tokens = { input: undefined, cachedInput, cachedWrite, output: undefined }
    return { tokens, total: whole, details: {}, problems }
  }
  const output = stated || (isFlat ? stated : (written ?? stated))
  const reasoningOutside =
    isFlat &&
    reasoning !== undefined &&
    output !== undefined &&
    whole === (total ?? 0) + output + reasoning
  // A zero beside a larger total is a gap.
  const beside = total === undefined || isOutside ? total : total - cached
  const input = noCache || (beside ?? noCache)
  if (noCache && !isOutside && total && total !== noCache + cached) {
    problems.push(`the input is ${total}, though its parts add up to ${noCache + cached}`)
  }
  const tokens = {
    input,
    cachedInput,
    cachedWrite,
    output: reasoningOutside ? output + reasoning : output,
  }
  checkTotal(isFlat ? whole : undefined, tokens, reasoning, problems)
  const isInside = reasoning === undefined || reasoning <= (tokens.output ?? 0)
  if (!isInside) problems.push(`${reasoning} reasoning tokens exceed the output they are part of`)
  return {
    tokens,
    details: usageDetails({
      reasoning: isInside ? reasoning : undefined,
      ...cacheLifetimes(answer, cachedWrite, problems),
    }),
    problems,
  }
}

function added(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : one + (other ?? 0)
}

/** Providers differ in whether the total of V2 has the cached tokens and the reasoning. */
function checkTotal(
  total: number | undefined,
  { input, cachedInput = 0, cachedWrite = 0, output }: UsageCounts['tokens'],
  reasoning: number = 0,
  problems: string[],
): void {
  if (total === undefined || input === undefined || output === undefined) return
  const cached = cachedInput + cachedWrite
  const sum = input + cached + output
  if ([sum, sum - cached, sum - cachedWrite, sum - reasoning, sum + reasoning].includes(total))
    return
  problems.push(`totalTokens is ${total}, though the parts add up to ${sum}: the parts are counted`)
}

/** Bedrock's cache writes by how long they are kept, beside its counts or in its metadata. */
function cacheLifetimes(
  answer: ModelAnswer,
  cachedWrite: number,
  problems: string[],
): { readonly cachedWrite5m?: number; readonly cachedWrite1h?: number } {
  const count = countReader(problems)
  const usages = [jsonObject(answer.usage).raw, ...metadataOf(answer).map(({ usage }) => usage)]
  const list = usages.map((usage) => jsonObject(usage).cacheDetails).find(Array.isArray)
  if (list === undefined) return {}
  const sums: Record<string, number> = {}
  for (const { ttl, inputTokens } of list.map(jsonObject)) {
    sums[String(ttl)] = (sums[String(ttl)] ?? 0) + (count(inputTokens, 'cacheDetails') ?? 0)
  }
  const { '5m': cachedWrite5m = 0, '1h': cachedWrite1h = 0 } = sums
  if (cachedWrite5m + cachedWrite1h <= cachedWrite) return { cachedWrite5m, cachedWrite1h }
  problems.push('cacheDetails add up to more than what was written to the cache')
  return {}
}

/** V2 has no count of cache writes; the providers that know it say it here. */
function cachedWriteOfMetadata(answer: ModelAnswer, count: CountReader): number {
  for (const fields of metadataOf(answer)) {
    const written =
      count(fields.cacheCreationInputTokens, 'cacheCreationInputTokens') ??
      count(jsonObject(fields.usage).cacheWriteInputTokens, 'cacheWriteInputTokens')
    if (written !== undefined) return written
  }
  return 0
}
