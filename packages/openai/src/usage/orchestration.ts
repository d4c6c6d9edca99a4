import type { countReader } from '@token-meter/core/wire'
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
): InclusiveUsage {
  const { orchestration_input_tokens: given } = details.input
  const { orchestration_output_tokens: made } = details.output
  const input = count(given, 'orchestration_input_tokens')
  const cached =
    count(details.input.orchestration_input_cached_tokens, 'orchestration_input_cached_tokens') ?? 0
  const output = count(made, 'orchestration_output_tokens')
  const isUnknown = (value: unknown, known: number | undefined) =>
    Boolean(value) && known === undefined
  if (isUnknown(given, input) || isUnknown(made, output)) {
    // A part of it is a number that cannot be.
    return {
      ...usage,
      input: isUnknown(given, input) ? undefined : usage.input,
      output: isUnknown(made, output) ? undefined : usage.output,
      total: undefined,
    }
  }
  if (!input && !output) return usage
  // A gateway has added them already: the total leaves no room for them.
  const { total } = usage
  if (total !== undefined && total === (usage.input ?? 0) + (usage.output ?? 0)) return usage
  return {
    ...usage,
    input: plus(usage.input, input ?? 0),
    cachedInput: plus(usage.cachedInput ?? 0, cached),
    output: plus(usage.output, output ?? 0),
  }
}

function plus(count: number | undefined, more: number): number | undefined {
  return count === undefined ? undefined : count + more
}
