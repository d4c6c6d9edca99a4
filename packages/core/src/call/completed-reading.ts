import {
  type TokenCounts,
  type TokenType,
  allInput,
  mapCounts,
  tokenTypes,
} from '../usage/token-counts.ts'
import type { UsageOutcome } from '../usage/usage-record.ts'
import type { HttpHeaders } from '../wire/http-headers.ts'
import { withoutUnknownCost } from '../wire/stated-cost.ts'
import type { UsageReading } from '../wire/usage-reading.ts'
import { type CallText, type OnInterrupted, withoutDoubtedZeros } from './estimates.ts'

/** A reading whose counts are all there, some of them estimated, or marked as unknown. */
export interface CompletedReading {
  readonly reading: UsageReading
  readonly tokens: TokenCounts
  readonly outcome: UsageOutcome
  readonly estimated: readonly TokenType[]
  /** Counts that are 0 because nobody knows them. */
  readonly unknown?: readonly TokenType[]
  /** The caller did not let the response end: that its usage is missing is expected, not a fault. */
  readonly interrupted: boolean
}

/** What is known of a call beside its readings. */
interface CallOfReadings extends CallText {
  readonly onInterrupted: OnInterrupted
  readonly provider: string
  readonly headers: HttpHeaders | undefined
}

/**
 * What the provider said of a call, with estimates, or marks, for what it did not say.
 * @param known what the records are where nothing is missing.
 */
export function completedReadings(
  readings: readonly UsageReading[],
  known: UsageOutcome,
  call: CallOfReadings,
): readonly CompletedReading[] {
  const interrupted = known === 'partial'
  return readings.map((stated) => {
    const sound = withoutDoubtedZeros(stated, call)
    // That the usage of a response that was left has gaps is no news.
    const isNews = sound === stated || !interrupted
    const reading = {
      ...sound,
      problems: isNews ? sound.problems : stated.problems,
      details: withoutUnknownCost(sound.details, call.provider, call.headers),
    }
    const { input, output: outputTokens } = reading.tokens
    /** A count that was not given beside the others is none: cached tokens are a part of the input. */
    const counts = (input: number, output: number): TokenCounts => ({
      ...mapCounts((count) => reading.tokens[count] ?? 0),
      input,
      output,
    })
    const common = { reading, interrupted }
    if (input !== undefined && outputTokens !== undefined) {
      const tokens = counts(input, outputTokens)
      return { ...common, tokens, outcome: known, estimated: [] }
    }
    if (interrupted && call.onInterrupted === 'partial-only') {
      const tokens = counts(input ?? 0, outputTokens ?? 0)
      const unknown = unknownCounts(reading)
      return { ...common, tokens, outcome: 'partial', estimated: [], unknown }
    }
    const rest = (reading.total ?? 0) - allInput(counts(0, 0))
    const isPartOfTotal = rest > 0 && input === undefined && outputTokens === undefined
    const estimate = outputTokens ?? call.output().tokens
    const outputOrEstimate = isPartOfTotal ? Math.min(estimate, rest) : estimate
    const tokens = counts(
      input ?? (isPartOfTotal ? rest - outputOrEstimate : call.inputTokens()),
      outputOrEstimate,
    )
    const estimated = [
      ...(input === undefined ? (['input'] as const) : []),
      ...(outputTokens === undefined ? (['output'] as const) : []),
    ]
    return { ...common, tokens, outcome: 'estimated', estimated }
  })
}

/**
 * What the provider did not say. Cached tokens are a part of all the input: a provider that gave
 * the input and no cached tokens has none.
 */
function unknownCounts({ tokens }: UsageReading): readonly TokenType[] {
  return tokenTypes
    .filter(({ count }) => tokens[count] === undefined)
    .filter(({ count }) => count === 'output' || tokens.input === undefined)
    .map(({ type }) => type)
}
