import { readMessage } from '@token-meter/anthropic/usage'
import {
  allInput,
  isStated,
  jsonObject,
  text,
  type UsageDetails,
  type UsageReading,
} from '@token-meter/core/wire'
import { answeredModel, metadataOf, type ModelAnswer, serviceTier } from './answer.ts'
import { withStatedCost } from './metadata-cost.ts'
import { normalisedUsage } from './normalised-usage.ts'
import {
  saysTheSame,
  wireEndpoints,
  type WireShape,
  type WireUsage,
  wireUsage,
} from './wire-usage.ts'

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
  return withId(readingsOf(answer, provider, asked), answer)
}

function withId(readings: readonly UsageReading[], answer: ModelAnswer): readonly UsageReading[] {
  const responseId = text(answer.responseId)
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
      : wireReadings(wire, answer, { model, creator: creatorOf(provider, asked), asked })
  if (readings.some(hasCounts) && (saysTokens(readings) || !isStated(answer.usage))) {
    return readings.map((reading, index) =>
      index === readings.length - 1
        ? withStatedCost(withKnown(reading, answer, provider), answer)
        : reading,
    )
  }
  const reading = withRefusal({ ...fromNormalised(answer, provider, wire), model }, answer)
  return [withStatedCost(reading, answer)]
}

/** By the provider's own reader, of the whole answer; the reading of the model that was asked comes last. */
function wireReadings(
  { shape, usage }: WireUsage,
  answer: ModelAnswer,
  {
    model,
    creator,
    asked,
  }: { readonly model: string | undefined; readonly creator: string; readonly asked: string },
): readonly UsageReading[] {
  const body = { ...shownByMetadata(answer), ...jsonObject(answer.body) }
  const stated = shape === 'messages' ? withoutNulls(usage, answer.usage) : usage
  const whole =
    shape === 'generateContent'
      ? { ...body, usageMetadata: stated }
      : // It is here, so that it is over, and no id of it was seen before.
        { ...body, model, usage: stated, status: 'completed', id: undefined, background: undefined }
  const call = {
    provider: creator,
    endpoint: shape,
    method: 'POST',
    body: { model: model ?? asked },
  }
  const readings =
    shape === 'messages'
      ? readMessage(whole, call, answer.refusals)
      : wireEndpoints[shape].read(whole, call, answer.headers)
  return mainLast(shape, readings).map((reading, index) => {
    const isMain = index === readings.length - 1 && (index === 0 || reading.raw === stated)
    if (!isMain) return reading
    // Anthropic's usage can name another model than the answer does.
    const answered = shape === 'messages' ? reading.model : model
    const tier = serviceTier(answer, usage)
    const known = { ...reading, model: answered, serviceTier: tier, raw: usage }
    return shape === 'messages' ? known : withRefusal(known, answer)
  })
}

/**
 * What a stream used by the provider's own events, where they say what its last part says; nothing
 * otherwise, as that can be a sum over several requests.
 *
 * @param readings those of the events, the answering model last.
 */
export function readEvents(
  readings: readonly UsageReading[],
  answer: ModelAnswer,
  provider: string,
): readonly UsageReading[] | undefined {
  const main = readings.at(-1)
  // Where the events say less, the AI SDK can have kept what an earlier one said.
  if (main?.tokens.input === undefined || main.tokens.output === undefined) return undefined
  // A zero says nothing beside the AI SDK's own counts.
  if (!saysTokens(readings) && isStated(answer.usage)) return undefined
  const passedOn = wireUsage(answer)
  if (passedOn !== undefined && !saysTheSame(passedOn.usage, jsonObject(main.raw))) return undefined
  const known = answeredModel(answer, provider)
  const named = withId(readings, answer)
  return named.map((reading, index) => {
    if (index < readings.length - 1) return reading
    const model = provider === 'vercel' ? known : (reading.model ?? known)
    const tier = reading.serviceTier ?? serviceTier(answer, jsonObject(reading.raw))
    const said = withRefusal({ ...reading, model, serviceTier: tier }, answer)
    return withStatedCost(said, answer)
  })
}

/** The order of the readings of an answer, in which only Anthropic's has the answering model last. */
export function mainLast(
  shape: WireShape | undefined,
  readings: readonly UsageReading[],
): readonly UsageReading[] {
  if (shape === 'messages' || readings.length < 2) return readings
  return [...readings.slice(1), ...readings.slice(0, 1)]
}

/** What Google's metadata shows of an answer of which only the parts are at hand. */
function shownByMetadata(answer: ModelAnswer): Fields {
  for (const { groundingMetadata, urlContextMetadata } of metadataOf(answer)) {
    if (groundingMetadata ?? urlContextMetadata) {
      return { candidates: [{ groundingMetadata, urlContextMetadata }] }
    }
  }
  return {}
}

/** With what the answer says of refusals, where its reader has not seen them. */
function withRefusal(reading: UsageReading, { refusals }: ModelAnswer): UsageReading {
  const { unbilled, problem } = refusals?.answer ?? {}
  const isSeen = problem !== undefined && reading.problems.includes(problem)
  if (reading.unbilled !== undefined || isSeen) return reading
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
  const { input, output } = reading.tokens
  const hasInput = input !== undefined && allInput(reading.tokens) > 0
  if ((hasInput && output) || reading.problems.length > 0) return reading
  const { tokens } = normalisedUsage(answer, provider)
  const known = {
    ...reading,
    tokens: { ...reading.tokens, output: output || (tokens.output ?? output) },
  }
  if (hasInput || tokens.input === undefined) return known
  return { ...known, tokens: { ...tokens, output: known.tokens.output } }
}

/** What tools ran, by the output of an answer whose usage object is of no known shape. */
function toolDetails({ body }: ModelAnswer): UsageDetails {
  const { output } = jsonObject(body)
  if (!Array.isArray(output)) return {}
  const call = { provider: '', endpoint: 'responses', method: 'POST', body: {} }
  return wireEndpoints.responses.read({ usage: {}, output }, call)[0]?.details ?? {}
}

function fromNormalised(
  answer: ModelAnswer,
  provider: string,
  wire: WireUsage | undefined,
): UsageReading {
  const { raw } = jsonObject(answer.usage)
  const counts = normalisedUsage(answer, provider)
  return {
    ...counts,
    details: { ...toolDetails(answer), ...counts.details },
    model: undefined,
    serviceTier: serviceTier(answer, jsonObject(raw)),
    raw: wire?.usage ?? raw ?? answer.usage ?? undefined,
  }
}

/** Behind a gateway (`xai/grok-4`) the numbers are those of whose model it is. */
export function creatorOf(provider: string, asked: string): string {
  return provider === 'vercel' ? (asked.split('/', 1)[0] ?? provider) : provider
}
