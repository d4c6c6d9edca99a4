import type { countReader, UsageProblems } from '@token-meter/core/adapter'
import type { InclusiveUsage } from './inclusive-usage.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Adds the tokens that Sakana's Fugu models spend on orchestrating other models. They stand among
 * the details, but beside input and output and not inside of them, at the same prices; the total
 * has them. https://console.sakana.ai/pricing
 *
 * @param count reads a count by its name.
 */
export function withOrchestration(
  usage: InclusiveUsage,
  details: { readonly input: Json; readonly output: Json },
  count: ReturnType<typeof countReader>,
  problems: UsageProblems,
): InclusiveUsage {
  const input = count(details.input.orchestration_input_tokens, 'orchestration_input_tokens') ?? 0
  const cached =
    count(details.input.orchestration_input_cached_tokens, 'orchestration_input_cached_tokens') ?? 0
  const output =
    count(details.output.orchestration_output_tokens, 'orchestration_output_tokens') ?? 0
  if (input + output === 0) return usage
  // A gateway has added them already: the total leaves no room for them.
  const { total } = usage
  if (total !== undefined && total === (usage.input ?? 0) + (usage.output ?? 0)) return usage
  return {
    ...usage,
    input: plus(usage.input, input, problems),
    cachedInput: plus(usage.cachedInput ?? 0, cached, problems),
    output: plus(usage.output, output, problems),
  }
}

function plus(
  count: number | undefined,
  more: number,
  problems: UsageProblems,
): number | undefined {
  if (count === undefined) return undefined
  if (Number.isSafeInteger(count + more)) return count + more
  problems.push(`orchestration adds up to ${count + more}, which cannot be a token count`)
  return undefined
}
