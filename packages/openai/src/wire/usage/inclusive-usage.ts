import type { CountReader, UsageCounts, UsageProblems } from '@token-meter/core/wire'

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

/** Disjoint counts, and the reasoning where it can be a part of the output. */
export interface DisjointUsage extends Pick<UsageCounts, 'tokens' | 'total'> {
  readonly reasoning: number | undefined
}

/**
 * Disjoint counts. The containment is OpenAI's unless the numbers say otherwise: compatible
 * servers differ in whether reasoning is inside the output (xAI's chat API has it outside) and
 * whether cached tokens are inside the input, and `total` settles both.
 *
 * A total of 0 says nothing. Any other fills what is missing beside it, also a count that is 0; a
 * count that is not 0 stands against it, and that they differ is a problem.
 *
 * @param provider the server, for what numbers alone cannot tell.
 */
export function disjointCounts(
  usage: InclusiveUsage,
  provider: string,
  problems: UsageProblems,
): DisjointUsage {
  const stated = { ...usage, total: usage.total === 0 ? undefined : usage.total }
  const isTotalAlone = !usage.input && !usage.output && stated.total !== undefined
  if (isTotalAlone && !usage.reasoning) return totalAlone(stated)

  const isOutside = isReasoningOutside(stated, provider)
  const output = wholeOutput(stated, isOutside, provider, problems)
  const input = wholeInput(stated, output, problems)
  const tokens = split(input, output, stated, problems)
  checkTotal(usage, isOutside, tokens, problems)
  return { tokens, reasoning: reasoningInside(usage.reasoning, output, problems) }
}

/** What is there can be split by an estimate alone. */
function totalAlone({ cachedInput, cachedWrite, total }: InclusiveUsage): DisjointUsage {
  const tokens = {
    input: undefined,
    cachedInput: cachedInput ?? 0,
    cachedWrite: cachedWrite ?? 0,
    output: undefined,
  }
  return { tokens, total, reasoning: undefined }
}

function isReasoningOutside(usage: InclusiveUsage, provider: string): boolean {
  const { input, output, reasoning = 0, total } = usage
  if (reasoning === 0 || input === undefined || output === undefined) return false
  if (usage.hasReasoningBeside === true) return true
  if (total === input + output + reasoning) return true
  if (provider === 'xai' && reasoning > output) return true
  return total === undefined && (provider === 'xai' || reasoning > output)
}

function wholeOutput(
  { input, cachedInput = 0, cachedWrite = 0, output, reasoning = 0, total }: InclusiveUsage,
  isReasoningOutside: boolean,
  provider: string,
  problems: UsageProblems,
): number | undefined {
  if (output === undefined) return difference(total, input)
  if (isReasoningOutside) return output + reasoning
  if (input === undefined || total === undefined || total <= input + output) return output
  // Gemini's OpenAI endpoint counts thinking in the total alone.
  if (provider === 'google' && reasoning === 0) return total - input
  if (output > 0 || input === 0 || total === input + cachedInput + cachedWrite) return output
  problems.push(`the output is 0, which a total of ${total} contradicts: the rest of it is counted`)
  return total - input
}

function wholeInput(
  { input, cachedInput = 0, cachedWrite = 0, total }: InclusiveUsage,
  output: number | undefined,
  problems: UsageProblems,
): number | undefined {
  const rest = difference(total, output)
  if (input === undefined) return rest
  if (input > 0 || !rest || rest === cachedInput + cachedWrite) return input
  problems.push(`the input is 0, which a total of ${total} contradicts: the rest of it is counted`)
  return rest
}

function split(
  input: number | undefined,
  output: number | undefined,
  usage: InclusiveUsage,
  problems: UsageProblems,
): DisjointUsage['tokens'] {
  const { cachedInput = 0, cachedWrite = 0, total } = usage
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

function checkTotal(
  usage: InclusiveUsage,
  isReasoningOutside: boolean,
  { input, cachedInput = 0, cachedWrite = 0, output }: DisjointUsage['tokens'],
  problems: UsageProblems,
): void {
  const { total } = usage
  if (total === undefined || input === undefined || output === undefined) return
  const sum = input + cachedInput + cachedWrite + output
  const inclusive = (usage.input ?? 0) + (usage.output ?? 0)
  if (total === sum || (isReasoningOutside && total === inclusive)) return
  problems.push(`the total is ${total}, though its parts add up to ${sum}: the parts are counted`)
}

function reasoningInside(
  reasoning: number | undefined,
  output: number | undefined,
  problems: UsageProblems,
): number | undefined {
  if (reasoning === undefined || output === undefined || reasoning <= output) return reasoning
  problems.push(`${reasoning} reasoning tokens exceed the ${output} output tokens they are part of`)
  return undefined
}

function difference(total: number | undefined, part: number | undefined): number | undefined {
  if (total === undefined || part === undefined || total < part) return undefined
  return total - part
}

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
  count: CountReader,
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
