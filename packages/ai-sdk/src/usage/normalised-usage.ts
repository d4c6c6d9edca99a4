import { countReader, jsonObject, type UsageCounts, usageDetails } from '@token-meter/core/adapter'
import { metadataOf, type ModelAnswer } from './model-answer.ts'

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
  const output = count(outputs.total, 'total')
  const reasoning = count(outputs.reasoning, 'reasoning')
  const reasoningOutside =
    isFlat &&
    reasoning !== undefined &&
    output !== undefined &&
    whole === (total ?? 0) + output + reasoning
  return {
    tokens: {
      input: noCache ?? (total === undefined || isOutside ? total : total - cached),
      cachedInput,
      cachedWrite,
      output: reasoningOutside ? output + reasoning : output,
    },
    details: usageDetails({ reasoning }),
    problems,
  }
}

/** V2 has no count of cache writes; the providers that know it say it here. */
function cachedWriteOfMetadata(answer: ModelAnswer, count: ReturnType<typeof countReader>): number {
  for (const fields of metadataOf(answer)) {
    const written =
      count(fields.cacheCreationInputTokens, 'cacheCreationInputTokens') ??
      count(jsonObject(fields.usage).cacheWriteInputTokens, 'cacheWriteInputTokens')
    if (written !== undefined) return written
  }
  return 0
}
