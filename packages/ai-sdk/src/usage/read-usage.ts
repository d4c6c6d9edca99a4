import {
  isStated,
  jsonObject,
  reportedUsd,
  text,
  type UsageCounts,
  type UsageReading,
} from '@token-meter/core/adapter'
import { messagesUsage } from '@token-meter/anthropic/usage'
import { generateContentUsage, interactionsUsage } from '@token-meter/google/usage'
import { chatCompletionsUsage, responsesUsage } from '@token-meter/openai/usage'
import { answeredModel, type ModelAnswer, serviceTier } from './model-answer.ts'
import { normalisedUsage } from './normalised-usage.ts'
import { type WireUsage, wireUsage } from './wire-usage.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * What an answer used: by the provider's own reader where its usage object is at hand, else by the
 * counts of the AI SDK. Several readings where several models worked.
 *
 * @param asked the model that was asked for, which the answer need not name.
 */
export function readUsage(
  answer: ModelAnswer,
  provider: string,
  asked: string,
): readonly UsageReading[] {
  const responseId = text(answer.responseId)
  const readings = readingsOf(answer, provider, asked)
  return responseId === undefined
    ? readings
    : readings.map((reading) => ({ ...reading, responseId }))
}

function readingsOf(answer: ModelAnswer, provider: string, asked: string): readonly UsageReading[] {
  const wire = wireUsage(answer)
  const model = answeredModel(answer, provider)
  const readings =
    wire === undefined
      ? []
      : wireReadings(wire, answer, { model, creator: creatorOf(provider, asked) })
  if (readings.some(hasCounts) && (saysTokens(readings) || !isStated(answer.usage))) {
    return readings.map((reading, index) =>
      index === readings.length - 1
        ? withGateway(withKnown(reading, answer, provider), answer)
        : reading,
    )
  }
  const reading = withRefusal({ ...fromNormalised(answer, provider, wire), model }, answer)
  return [withGateway(reading, answer)]
}

/** By the provider's own reader; the reading of the model that was asked comes last. */
function wireReadings(
  { shape, usage }: WireUsage,
  answer: ModelAnswer,
  { model, creator }: { readonly model: string | undefined; readonly creator: string },
): readonly UsageReading[] {
  const reading = (counts: UsageCounts): readonly UsageReading[] => [
    withRefusal({ ...counts, model, serviceTier: serviceTier(answer, usage), raw: usage }, answer),
  ]
  switch (shape) {
    case 'chat':
      return reading(chatCompletionsUsage(usage, creator))
    case 'responses':
      return reading(responsesUsage(usage, creator))
    case 'messages':
      return messagesUsage(withoutNulls(usage, answer.usage), model, answer).map(
        (each, index, readings) => (index === readings.length - 1 ? { ...each, raw: usage } : each),
      )
    case 'generateContent':
      return reading(generateContentUsage(usage))
    case 'interactions':
      return reading(interactionsUsage(usage))
  }
}

/** Of a reader that knows no refusals, with what the answer says of them. */
function withRefusal(reading: UsageReading, { refusals }: ModelAnswer): UsageReading {
  const { unbilled, problem } = refusals?.answer ?? {}
  if (problem !== undefined) return { ...reading, problems: [...reading.problems, problem] }
  return unbilled === undefined ? reading : { ...reading, unbilled }
}

/**
 * Anthropic's last event may say null for what its first one gave; the provider merges the two by
 * spreading, so that only the AI SDK's own counts still know it.
 */
function withoutNulls(usage: Fields, normalised: unknown): Fields {
  const { inputTokens, cachedInputTokens, outputTokens } = jsonObject(normalised)
  const inputs = jsonObject(inputTokens)
  const known = {
    input_tokens: inputs.noCache ?? inputTokens,
    cache_read_input_tokens: inputs.cacheRead ?? cachedInputTokens,
    cache_creation_input_tokens: inputs.cacheWrite,
    output_tokens: jsonObject(outputTokens).total ?? outputTokens,
  }
  const filled: Record<string, unknown> = { ...usage }
  for (const [name, count] of Object.entries(known)) {
    if (usage[name] === null && typeof count === 'number') filled[name] = count
  }
  return filled
}

/** A count is there, be it 0, or a total to make one from. */
export function hasCounts({ tokens, total }: UsageReading): boolean {
  return (tokens.input ?? tokens.output ?? total) !== undefined
}

/** A count above 0 is there. */
function saysTokens(readings: readonly UsageReading[]): boolean {
  return readings.some(({ tokens, total }) => Boolean(total) || isStated(tokens))
}

/**
 * A usage object can say less than the AI SDK made of several: Anthropic's last event does. A zero
 * says nothing there either.
 */
function withKnown(reading: UsageReading, answer: ModelAnswer, provider: string): UsageReading {
  const { input, cachedInput = 0, cachedWrite = 0, output } = reading.tokens
  const hasInput = input !== undefined && input + cachedInput + cachedWrite > 0
  if ((hasInput && output) || reading.problems.length > 0) return reading
  const { tokens } = normalisedUsage(answer, provider)
  const known = {
    ...reading,
    tokens: { ...reading.tokens, output: output || (tokens.output ?? output) },
  }
  if (hasInput || tokens.input === undefined) return known
  return { ...known, tokens: { ...tokens, output: known.tokens.output } }
}

function fromNormalised(
  answer: ModelAnswer,
  provider: string,
  wire: WireUsage | undefined,
): UsageReading {
  const { raw } = jsonObject(answer.usage)
  return {
    ...normalisedUsage(answer, provider),
    model: undefined,
    serviceTier: serviceTier(answer, jsonObject(raw)),
    raw: wire?.usage ?? raw ?? answer.usage ?? undefined,
  }
}

/** Behind a gateway (`xai/grok-4`) the numbers are those of whose model it is. */
function creatorOf(provider: string, asked: string): string {
  return provider === 'vercel' ? (asked.split('/', 1)[0] ?? provider) : provider
}

/** What the AI Gateway says beside: its price, the market's, and the id that it lists the call by. */
function withGateway(reading: UsageReading, answer: ModelAnswer): UsageReading {
  const { gateway } = jsonObject(answer.providerMetadata)
  const { cost, marketCost, generationId } = jsonObject(gateway)
  if (cost === undefined && generationId === undefined) return reading
  const providerCostUsd = amount(cost)
  const upstreamCostUsd = amount(marketCost)
  const gatewayCallId = text(generationId)
  return {
    ...reading,
    details: {
      ...reading.details,
      ...(providerCostUsd !== undefined && { providerCostUsd }),
      ...(upstreamCostUsd !== undefined && { upstreamCostUsd }),
      ...(gatewayCallId !== undefined && { gatewayCallId }),
    },
  }
}

/** The gateway writes its amounts as text. */
function amount(value: unknown): number | undefined {
  return reportedUsd(typeof value === 'string' && value !== '' ? Number(value) : value)
}
