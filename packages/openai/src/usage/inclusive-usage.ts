import type { TokenCounts, UsageProblems } from '@token-meter/core/adapter'

/** Counts as OpenAI's APIs give them: cached tokens inside the input, reasoning inside the output. */
export interface InclusiveUsage {
  readonly input: number | undefined
  readonly cachedInput: number | undefined
  readonly cachedWrite: number | undefined
  readonly output: number | undefined
  readonly reasoning: number | undefined
  readonly total: number | undefined
  /** The server counts reasoning beside the output, whatever its total says. */
  readonly hasReasoningBeside?: boolean
}

type Counts = { readonly [Count in keyof TokenCounts]: number | undefined }

/**
 * Disjoint counts. The containment is OpenAI's unless the numbers say otherwise: compatible
 * servers differ in whether reasoning is inside the output (xAI's chat API has it outside) and
 * whether cached tokens are inside the input, and `total` settles both.
 *
 * @param provider the server, for what numbers alone cannot tell.
 */
export function disjointCounts(
  usage: InclusiveUsage,
  provider: string,
  problems: UsageProblems,
): Counts {
  const { total } = usage
  const output = wholeOutput(usage, provider)
  const input = usage.input ?? difference(total, output)
  const cachedInput = usage.cachedInput ?? 0
  const cachedWrite = usage.cachedWrite ?? 0
  if (input === undefined) return { input, cachedInput, cachedWrite, output }

  const cached = cachedInput + cachedWrite
  if (cached <= input) return { input: input - cached, cachedInput, cachedWrite, output }
  if (output === undefined || total !== input + output) {
    return { input, cachedInput, cachedWrite, output }
  }
  // The total leaves no room for the cached tokens beside the input, nor has the input for them.
  problems.push(`${cached} cached tokens exceed the ${input} input tokens they are part of`)
  const reads = Math.min(cachedInput, input)
  return { input: 0, cachedInput: reads, cachedWrite: input - reads, output }
}

function wholeOutput(usage: InclusiveUsage, provider: string): number | undefined {
  const { input, output, reasoning = 0, total } = usage
  if (output === undefined) return difference(total, input)
  if (input === undefined) return output
  if (reasoning > 0) {
    const isOutside =
      usage.hasReasoningBeside === true ||
      reasoning > output ||
      (total === undefined ? provider === 'xai' : total === input + output + reasoning)
    return isOutside ? output + reasoning : output
  }
  // Gemini's OpenAI endpoint counts thinking in the total alone.
  if (provider === 'google' && total !== undefined && total > input + output) return total - input
  return output
}

function difference(total: number | undefined, part: number | undefined): number | undefined {
  if (total === undefined || part === undefined || total < part) return undefined
  return total - part
}
