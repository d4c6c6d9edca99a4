import {
  jsonObject,
  type RefusalBilling,
  statedCost,
  text,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { fallbackCredit } from './fallback-credit.ts'
import { addCounts, messageCounts, messageRequests } from './message-counts.ts'
import type { Attempt, Refusals } from './refusals.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The `usage` of a message, whole or put together from a stream: one reading for the model that
 * served it, and one for each other model that worked for it.
 *
 * The top-level counts are those of the served answer alone. What `iterations` holds beside them:
 * - `compaction`: added, at the served model;
 * - `advisor_message`: a reading of the advisor's model;
 * - where a `fallback_message` says that another model served the answer, every earlier attempt
 *   (`message` or `fallback_message` with another model): a reading of its own model. The last
 *   `fallback_message` names the served model, whatever the response says;
 * - any other `message`: inside the top-level counts already.
 *
 * @param usage the usage object as it came.
 * @param model the model as the response names it.
 * @param about what else the message and its request say about the bill: without it nothing is
 * `unbilled`, and no cache write is credited.
 */
export function messagesUsage(
  usage: unknown,
  model?: string,
  about: AboutMessage = {},
): readonly UsageReading[] {
  if (usage === undefined || usage === null) {
    return [{ ...unknownUsage(model), ...withRefusal(about.refusals?.answer, []) }]
  }
  const fields = jsonObject(usage)
  const serviceTier = text(fields.service_tier)
  const geo = text(fields.inference_geo)
  // Of models that are computed anywhere, at one price.
  const inferenceGeo = geo === 'not_available' ? undefined : geo
  const iterations = Array.isArray(fields.iterations) ? fields.iterations.map(jsonObject) : []
  const served = text(iterations.findLast(isFallback)?.model)

  let counts = messageCounts(fields)
  const credit = fallbackCredit(fields, counts, about.warmTokens)
  const attempts = attemptsOf(iterations, served)
  const refused = about.refusals?.attempts(attempts.map(({ attempt }) => attempt))
  const others: UsageReading[] = []
  const own: Json[] = []
  for (const iteration of iterations) {
    if (iteration.type === 'compaction') {
      counts = addCounts(counts, messageCounts(iteration))
      own.push(iteration)
    } else if (isOfAnotherModel(iteration, served)) {
      const { tokens, details, problems } = messageCounts(iteration)
      const refusal = refused?.[attempts.findIndex(({ of }) => of.includes(iteration))]
      others.push({
        model: text(iteration.model) ?? (model === served ? undefined : model),
        tokens,
        details: inferenceGeo === undefined ? details : { ...details, inferenceGeo },
        serviceTier,
        isBeside: true,
        raw: iteration,
        ...withRefusal(refusal, problems),
      })
    } else own.push(iteration)
  }
  const speed = text(fields.speed)
  const details = {
    ...counts.details,
    ...(speed !== undefined && { speed }),
    ...(inferenceGeo !== undefined && { inferenceGeo }),
    ...credit.details,
    // OpenRouter's: https://openrouter.ai/docs/use-cases/usage-accounting
    ...statedCost(fields, about.provider ?? 'anthropic'),
  }
  const requests = messageRequests(fields, own, counts)
  const answer = {
    ...counts,
    ...requests,
    details,
    model: served ?? model,
    serviceTier,
    raw: usage,
    ...withRefusal(about.refusals?.answer, [...counts.problems, ...credit.problems]),
  }
  return [...others, answer]
}

/** What beside its usage decides what a message costs. */
export interface AboutMessage {
  /** The server, by its host. @default 'anthropic' */
  readonly provider?: string
  /** What was refused of it, and whether that is billed. */
  readonly refusals?: Refusals | undefined
  /** Of a retry with a fallback credit: the tokens that the refused request had read from its cache. */
  readonly warmTokens?: number | undefined
}

function withRefusal(
  { unbilled, problem }: RefusalBilling = {},
  problems: readonly string[],
): Pick<UsageReading, 'unbilled' | 'problems'> {
  return {
    ...(unbilled !== undefined && { unbilled }),
    problems: problem === undefined ? problems : [...problems, problem],
  }
}

/** The attempts before the answer, each of the iterations of one model in a row. */
function attemptsOf(
  iterations: readonly Json[],
  served: string | undefined,
): readonly { readonly attempt: Attempt; readonly of: readonly Json[] }[] {
  const attempts: { model: unknown; of: [Json, ...Json[]] }[] = []
  for (const iteration of iterations) {
    const { type, model } = iteration
    if (type === 'advisor_message' || !isOfAnotherModel(iteration, served)) continue
    const last = attempts.at(-1)
    if (last !== undefined && last.model === model) last.of.push(iteration)
    else attempts.push({ model, of: [iteration] })
  }
  return attempts.map(({ model, of }) => {
    const output = of.reduce((sum, each) => sum + (messageCounts(each).tokens.output ?? 0), 0)
    return { attempt: { model: text(model), output }, of }
  })
}

function isFallback({ type }: Json): boolean {
  return type === 'fallback_message'
}

function isOfAnotherModel({ type, model }: Json, served: string | undefined): boolean {
  if (type === 'advisor_message') return true
  return (
    served !== undefined && (type === 'message' || type === 'fallback_message') && model !== served
  )
}
