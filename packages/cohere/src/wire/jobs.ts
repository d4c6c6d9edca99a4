import {
  type AnswerPart,
  type Call,
  countReader,
  type Endpoint,
  isPlain,
  jsonObject,
  noEstimate,
  text,
  unknownUsage,
  type UsageCounts,
  type WireContext,
  type WireOperation,
} from '@token-meter/core/wire'
import { jobBounds } from './bounds.ts'
import { billedUsage, usageOfMeta } from './usage.ts'

/**
 * Embed jobs and batches: they are billed when an answer shows them finished, to whoever created them.
 * One that another process created is billed to who asks, if it is recent. The id of its record is
 * derived from the job, so that two processes bill it once.
 */
export type JobKind = 'embedJobs' | 'batches'

type Job = Readonly<Record<string, unknown>>

/** A request that creates a job. */
export function jobCreation<Creator>(
  kind: JobKind,
  body: Call['body'],
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const jobs = context.jobs(kind)
  const endpoint: Endpoint = {
    ...noEstimate,
    name: kind,
    bounds: () => jobBounds(kind),
    read(response) {
      for (const job of jobsIn(response)) {
        jobs.created(keyOf(job, context), { model: text(body.model) })
      }
      return []
    },
  }
  return { endpoint, body }
}

/** A request that shows a job, or a page of them: it costs nothing itself. */
export function jobAgain<Creator>(
  kind: JobKind,
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const of = (answer: unknown): readonly AnswerPart<Creator>[] =>
    jobsIn(answer).flatMap((job) => finishedJob(kind, job, context))
  return { endpoint: endpointOf(kind), body: {}, free: true, parts: { of } }
}

/** What a job owes that was not seen finished before. */
function finishedJob<Creator>(
  kind: JobKind,
  job: Job,
  context: WireContext<Creator>,
): readonly AnswerPart<Creator>[] {
  if (!finished.has(String(job.status))) return []
  const jobs = context.jobs(kind)
  const key = keyOf(job, context)
  const creator = jobs.creatorOf(key)
  if (creator === undefined && !isRecent(job)) return []
  const model = text(job.model) ?? jobs.fieldsOf(key)?.model
  if (jobs.isBilled(key)) return []
  if (usageOf(kind, job) === undefined) {
    jobs.settle(key)
    if (succeeded.has(String(job.status))) context.warn(`${untold[kind]}: record() its usage`)
    return []
  }
  const endpoint = endpointOf(kind)
  // Settled when the call that pays for it has begun: it takes over what is held for the job.
  const read: Endpoint['read'] = (answer, call) =>
    jobs.settle(key) ? endpoint.read(answer, call) : []
  return [{ endpoint: { ...endpoint, read }, answer: job, creator, body: { model } }]
}

const succeeded: ReadonlySet<string> = new Set(['complete', 'BATCH_STATUS_COMPLETED'])
const finished: ReadonlySet<string> = new Set([
  ...succeeded,
  'cancelled',
  'failed',
  'BATCH_STATUS_CANCELED',
  'BATCH_STATUS_FAILED',
])

const untold: Readonly<Record<JobKind, string>> = {
  embedJobs: 'an embed job of Cohere ended without saying what it used',
  batches: 'a batch of Cohere ended without saying what it used',
}

function endpointOf(kind: JobKind): Endpoint {
  return {
    ...noEstimate,
    name: kind,
    read(answer, { provider, body }) {
      const job = jsonObject(answer)
      const usage = usageOf(kind, job)
      if (usage === undefined) return []
      return [
        {
          ...unknownUsage(text(body.model), kind === 'batches' ? 'batch' : undefined),
          ...(kind === 'batches' ? batchUsage(job) : billedUsage(usage, 'input', 'sum')),
          requests: kind === 'batches' ? requestsOf(job) : null,
          raw: usage,
          identity: [provider, kind, String(idOf(job)), Date.parse(String(job.created_at)) || 0],
          responseId: idOf(job),
        },
      ]
    },
  }
}

/** The usage of a job as it came; `undefined` where it has none. */
function usageOf(kind: JobKind, job: Job): object | undefined {
  if (kind === 'embedJobs') return usageOfMeta(job.meta)
  const { input_tokens, output_tokens } = job
  return isSaid(input_tokens) || isSaid(output_tokens) ? { input_tokens, output_tokens } : undefined
}

/** A batch has its counts as text, as 64-bit numbers are written. */
function batchUsage(job: Job): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems, 'sum')
  const input = count(numberOf(job.input_tokens), 'input_tokens')
  const output = count(numberOf(job.output_tokens), 'output_tokens')
  return { tokens: { input, cachedInput: 0, cachedWrite: 0, output }, details: {}, problems }
}

function requestsOf({ num_successful_records: succeeded }: Job): number | null {
  return Number.isSafeInteger(succeeded) ? (succeeded as number) : null
}

function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
}

function isSaid(count: unknown): boolean {
  return count !== undefined && count !== null && count !== ''
}

/** The jobs of an answer that creates, shows or lists them. */
function jobsIn(answer: unknown): readonly Job[] {
  const fields = jsonObject(answer)
  const found = fields.batches ?? fields.embed_jobs ?? [fields.batch ?? fields]
  return (Array.isArray(found) ? found : []).filter(isPlain).filter((job) => idOf(job))
}

function idOf(job: Job): string | undefined {
  return text(job.id) ?? text(job.job_id)
}

function keyOf(job: Job, { provider }: WireContext): string {
  return JSON.stringify([provider, idOf(job)])
}

const recentMs = 24 * 60 * 60 * 1000

function isRecent({ updated_at, created_at }: Job): boolean {
  return Date.now() - Date.parse(String(updated_at ?? created_at)) < recentMs
}
