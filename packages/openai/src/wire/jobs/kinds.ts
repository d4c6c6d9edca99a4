import {
  type Call,
  type UsageReading,
  jsonObject,
  statedCost,
  text,
  unknownUsage,
} from '@token-meter/core/wire'
import { responsesUsage } from '../usage/responses.ts'
import type { JobName } from '../route.ts'
import { unreadUsage } from '../any-answer.ts'
import { readChat } from '../chat-completions.ts'
import { chatCompletionsUsage } from '../usage/chat-completions.ts'
import { secondsUsage } from '../usage/audio.ts'

/** A job's own JSON object, as the API gives it. */
export type Job = Readonly<Record<string, unknown>>

/** What is special about one kind of job. Pure: it sees JSON and returns counts. */
export interface JobKind {
  /** The endpoint's name in records. */
  readonly endpoint: string
  /** The states that are a job's last. */
  readonly finished: ReadonlySet<unknown>
  /** The states in which a job goes on without its stream. */
  readonly goesOnIn?: ReadonlySet<unknown>
  /**
   * The moment, in Unix seconds, from which a job that another process created is billed for a day
   * to who asks for it; not there when such jobs are never billed.
   */
  readonly billedFrom?: (job: Job) => unknown
  /** What a finished job used; `created` is what is known of the request that created it. */
  read(job: Job, provider: string, created: Call['body']): readonly UsageReading[]
}

/**
 * Batches are billed by the totals of the batch, never by the lines of its output file: reading the
 * file as well would bill twice. A batch that was cancelled or has expired owes what it has done.
 */
const batches: JobKind = {
  endpoint: 'batches',
  finished: new Set(['completed', 'cancelled', 'expired', 'failed']),
  // A batch may take a day until it is done.
  billedFrom: ({ completed_at, cancelled_at, expired_at, failed_at, created_at }) =>
    completed_at ?? cancelled_at ?? expired_at ?? failed_at ?? created_at,
  read(batch: Job, provider: string): readonly UsageReading[] {
    // Moderations are free.
    if (batch.endpoint === '/v1/moderations') return []
    const model = text(batch.model)
    const { usage } = batch
    const { completed } = jsonObject(batch.request_counts)
    const total = Number(jsonObject(usage).total_tokens)
    if (usage === undefined || usage === null || (total === 0 && Number(completed) > 0)) {
      if (batch.status !== 'completed' && !(Number(completed) > 0)) return []
      return [unreadUsage(model, 'a finished batch has no usage: record() that of its output file')]
    }
    const requests = knownCount(completed)
    const counts = responsesUsage(usage, provider, 'sum')
    return [{ ...counts, requests, model, serviceTier: 'batch', raw: usage }]
  },
}

const owesUsage = new Set<unknown>(['completed', 'incomplete'])

/** Runs of assistants on threads. Their steps have usage too, which is part of the run's. */
const assistantRuns: JobKind = {
  endpoint: 'threads.runs',
  finished: new Set(['completed', 'incomplete', 'failed', 'cancelled', 'expired']),
  goesOnIn: new Set(['queued', 'in_progress', 'cancelling']),
  billedFrom: ({ created_at: createdAt }) => createdAt,
  read(run, provider) {
    const { usage, status } = run
    const model = text(run.model)
    if (usage === undefined || usage === null) {
      return owesUsage.has(status) ? [unknownUsage(model)] : []
    }
    const counts = chatCompletionsUsage(usage, provider, 'sum')
    // The sum of its steps, each of which asks the model, and one tool after the other.
    return [{ ...counts, requests: null, model, serviceTier: undefined, raw: usage }]
  },
}

/** Runs of evals: one reading for each model that was asked or judged. */
const evalRuns: JobKind = {
  endpoint: 'evals.runs',
  finished: new Set(['completed', 'failed', 'canceled', 'cancelled']),
  billedFrom: ({ created_at: createdAt }) => createdAt,
  read({ per_model_usage: usages }, provider) {
    if (!Array.isArray(usages)) return []
    const named = usages.map((usage: unknown) => ({
      model: text(jsonObject(usage).model_name),
      usage,
    }))
    // In an order of its own, since record ids are derived from the place in the list.
    return named
      .toSorted((a, b) => ((a.model ?? '') < (b.model ?? '') ? -1 : 1))
      .map(({ model, usage }) => ({
        ...chatCompletionsUsage(usage, provider, 'sum'),
        requests: knownCount(jsonObject(usage).invocation_count),
        model,
        serviceTier: undefined,
        raw: usage,
      }))
  },
}

/**
 * Videos, billed by the second. Only those that this process asked for: of an extended video the
 * response tells the length of the whole, and the request that of the new part.
 */
const videos: JobKind = {
  endpoint: 'videos',
  finished: new Set(['completed', 'failed']),
  read({ status, model, seconds, outputs, usage }, provider, created) {
    if (status === 'failed') return []
    const { tokens, details, ...read } = secondsUsage(created.seconds ?? seconds)
    // Together's and OpenRouter's say what was charged, and the latter's nothing else.
    const stated = statedCost({ ...jsonObject(outputs), ...jsonObject(usage) }, provider)
    const problems = stated.providerCostUsd === undefined ? read.problems : []
    return [
      {
        tokens,
        details: { ...details, ...stated },
        problems,
        model: text(model) ?? text(created.model),
        serviceTier: undefined,
        raw: undefined,
      },
    ]
  },
}

/** Perplexity's chat completions that are fetched when they are done, with the answer inside. */
const asyncCompletions: JobKind = {
  endpoint: 'async.chat.completions',
  finished: new Set(['COMPLETED', 'FAILED']),
  billedFrom: ({ completed_at, failed_at, created_at }) => completed_at ?? failed_at ?? created_at,
  read({ response, status, model }, provider) {
    if (status === 'FAILED' && jsonObject(jsonObject(response).usage).total_tokens === undefined) {
      return []
    }
    return readChat(response, { provider, requestedModel: model })
  },
}

/** A count above 0; `null` for what says nothing. */
function knownCount(value: unknown): number | null {
  return Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : null
}

/** Every kind of job, by its name among the routes. */
export const jobKinds: Readonly<Record<JobName, JobKind>> = {
  batches,
  'threads.runs': assistantRuns,
  'evals.runs': evalRuns,
  videos,
  'async.chat.completions': asyncCompletions,
}
