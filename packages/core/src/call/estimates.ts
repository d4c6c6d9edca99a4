import { type OptionCheck, isOneOf } from '../errors/option-check.ts'
import type { EstimatedText } from '../wire/token-estimate.ts'
import { allInput } from '../usage/token-counts.ts'
import type { UsageReading } from '../wire/usage-reading.ts'

/** What becomes of the counts that the provider had not given when a response was cut off. */
export type OnInterrupted = 'estimate' | 'partial-only'

/**
 * How calls are recorded: those whose usage the provider did not give, or not in full; whether those are
 * billed that the provider bills to the customer; and what all are appended with.
 */
export interface EstimatePolicy {
  readonly onInterrupted: OnInterrupted
  /** @default false */
  readonly billLinked?: boolean
  /** Counts a text for a model; never throws. Without it estimates are heuristic. */
  readonly count?: ((text: string, model: string) => number | undefined) | undefined
  /** What its records are appended with, whatever a guard holds. */
  readonly holdIds?: readonly string[] | undefined
}

const isOnInterrupted = isOneOf(undefined, 'estimate', 'partial-only')

/**
 * `undefined` leaves it to the default.
 * @throws ConfigError for anything but the known ways.
 */
export function checkOnInterrupted(check: OptionCheck, value: unknown): void {
  check('onInterrupted', value, '"estimate" or "partial-only"', isOnInterrupted)
}

/** What is known of a call beside its usage, asked for only where a zero is in doubt. */
export interface CallText {
  output(): EstimatedText
  inputTokens(): number
}

/**
 * A reading without the zeros that its own call contradicts: they are not known then, and are
 * estimated. Servers that do not count say 0, and so do gateways that have not counted yet.
 *
 * - Nothing counted beside an answer: neither count is known.
 * - Nothing counted beside a tool call alone: reported, and nothing is billed. OpenAI's programmatic
 *   tool calling repeats calls that way, without asking the model.
 * - Nothing counted and nothing answered is a call that used nothing, such as one that failed.
 * - One count that is 0 beside another that is not: it is not known where there is text of it.
 */
export function withoutDoubtedZeros(reading: UsageReading, text: CallText): UsageReading {
  const { tokens, raw, isBeside } = reading
  const isInputZero = tokens.input !== undefined && allInput(tokens) === 0
  const isOutputZero = tokens.output === 0
  if (!isInputZero && !isOutputZero) return reading
  if (raw === undefined || isBeside === true || hasOtherUnits(reading)) return reading
  if (!isInputZero) {
    return text.output().isEmpty ? reading : doubted(reading, ['output'], 'output')
  }
  if (!isOutputZero) {
    return text.inputTokens() === 0 ? reading : doubted(reading, ['input'], 'input')
  }
  const output = text.output()
  if (output.hasAnswer) {
    // The output of what answers no text, such as embeddings, is 0 as such.
    return doubted(reading, output.isEmpty ? ['input'] : ['input', 'output'], 'usage')
  }
  if (!output.hasToolCall) return reading
  const problem = 'every count is 0 beside a tool call, which is not billed'
  return { ...reading, problems: [...reading.problems, problem] }
}

function doubted(
  reading: UsageReading,
  counts: readonly ('input' | 'output')[],
  what: 'input' | 'output' | 'usage',
): UsageReading {
  const tokens = { ...reading.tokens }
  for (const count of counts) tokens[count] = undefined
  const problem = `its ${what} is 0, which the call contradicts; counted is an estimate`
  return { ...reading, tokens, problems: [...reading.problems, problem] }
}

/** Billed by something else than tokens. */
function hasOtherUnits({ details }: UsageReading): boolean {
  const { seconds, characters, images, pages, searchUnits, classifications } = details
  return Boolean(seconds ?? characters ?? images ?? pages ?? searchUnits ?? classifications)
}
