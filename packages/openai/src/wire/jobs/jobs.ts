import {
  type Call,
  type Endpoint,
  jsonObject,
  noEstimate,
  type StreamReader,
  text,
  type UsageReading,
  type WireContext,
  type WireOperation,
} from '@token-meter/core/wire'
import { jobBounds } from '../bounds.ts'
import type { JobName } from '../route.ts'
import { type Job, type JobKind, jobKinds } from './kinds.ts'

/**
 * Work that goes on at the provider after it was asked for: batches, assistant runs, eval runs,
 * videos. Its states are those of `JobStore`. A finished job that another process created is billed to
 * who asks, if its kind allows that and it is recent. Record ids are derived from the job, so that
 * processes with one outbox or one backend bill it once.
 *
 * This is a request that creates a job.
 */
export function jobCreation<Creator>(
  name: JobName,
  body: Call['body'],
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const { provider } = context
  const kind = jobKinds[name]
  const jobs = context.jobs(name)
  const endpoint = jobEndpoint(kind, context, (job) => {
    if (kind.finished.has(job.status)) return bill(kind, job, context)
    jobs.created(jobKey(provider, job.id), { seconds: secondsIn(body) })
    return []
  })
  return { endpoint: { ...endpoint, bounds: jobBounds[name] }, body }
}

/** A request that shows a job again, or lets it go on: it costs nothing itself. */
export function jobAgain<Creator>(
  name: JobName,
  id: string,
  body: Call['body'],
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const { provider } = context
  const kind = jobKinds[name]
  const jobs = context.jobs(name)
  const creator = jobs.creatorOf(jobKey(provider, id))
  const endpoint = jobEndpoint(kind, context, (job) => {
    if (!kind.finished.has(job.status)) return []
    const isOwn = jobs.creatorOf(jobKey(provider, id)) !== undefined
    if (!isOwn && !isRecent(kind.billedFrom?.(job))) return []
    return bill(kind, job, context)
  })
  return { endpoint, body, free: true, creator }
}

const recentMs = 24 * 60 * 60 * 1000

/**
 * True for a time, in Unix seconds, that is at most a day ago. What another process created is
 * billed when it is asked for within this time; later it may just be looked up again.
 */
export function isRecent(unixSeconds: unknown): boolean {
  return typeof unixSeconds === 'number' && Date.now() - unixSeconds * 1000 < recentMs
}

/** Decides what is billed of a job that an answer or an event shows. */
type Watch = (job: Job) => readonly UsageReading[]

/** A finished job, once. */
function bill(kind: JobKind, job: Job, context: WireContext): readonly UsageReading[] {
  const { provider } = context
  const jobs = context.jobs(kind.endpoint)
  const key = jobKey(provider, job.id)
  const created = jobs.fieldsOf(key) ?? {}
  if (!jobs.settle(key)) return []
  const identity = [provider, kind.endpoint, String(job.id), Number(job.created_at) || 0]
  const responseId = text(job.id)
  return kind.read(job, provider, created).map((reading) => ({ ...reading, identity, responseId }))
}

function jobEndpoint(kind: JobKind, context: WireContext, watch: Watch): Endpoint {
  const name = kind.endpoint
  const left = () =>
    context.warn(`a stream of ${name} was left before its end: retrieve the job, to have it billed`)
  return {
    ...noEstimate,
    name,
    read(response) {
      const job = foundJob(response)
      return job === undefined ? [] : watch(job)
    },
    openStream: () => new JobStreamReader(kind, watch, left),
  }
}

/** Of a video, what the request asks for. */
function secondsIn(body: Call['body']): unknown {
  try {
    return (body as { seconds?: unknown }).seconds
  } catch {
    // Out of reach by now, as a revoked draft is.
    return undefined
  }
}

/** A job; in a streamed event it is the event's `data`, unless the event was read off the wire. */
function foundJob(value: unknown): Job | undefined {
  const outer = jsonObject(value)
  const job = text(outer.event) === undefined ? outer : jsonObject(outer.data)
  // Steps and messages of a run have ids and a status too, and usage that is inside the run's own.
  const isOther = typeof job.object === 'string' && /\.run\.|^thread$|message/.test(job.object)
  return !isOther && text(job.id) && text(job.status) ? job : undefined
}

function jobKey(provider: string, id: unknown): string {
  return JSON.stringify([provider, id])
}

/** Follows a stream of a job's events; the job's last state decides. */
class JobStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #kind: JobKind
  readonly #watch: Watch
  readonly #left: () => void
  #job: Job | undefined

  constructor(kind: JobKind, watch: Watch, left: () => void) {
    this.#kind = kind
    this.#watch = watch
    this.#left = left
  }

  get finished(): boolean {
    return this.#job !== undefined && this.#kind.finished.has(this.#job.status)
  }

  get usageSeen(): boolean {
    return this.finished
  }

  push(event: unknown): unknown {
    const job = foundJob(event)
    // Not the object itself: the SDK's helpers go on writing to theirs.
    if (job !== undefined) this.#job = { ...job }
    return event
  }

  readings(): readonly UsageReading[] {
    if (this.#job === undefined) return []
    if (this.#kind.goesOnIn?.has(this.#job.status)) this.#left()
    return this.#watch(this.#job)
  }
}
