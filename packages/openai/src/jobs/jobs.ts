import {
  type Endpoint,
  jsonObject,
  noEstimate,
  type StreamReader,
  text,
  type UsageReading,
} from '@token-meter/core/wire'
import { JobMemory, type ObservedCall } from '@token-meter/core/adapter'
import { isRecent } from './foreign-window.ts'
import type { Job, JobKind } from './job-kind.ts'
import { withoutPrompt } from './without-prompt.ts'

/** Decides what is billed of a job that an answer or an event shows. */
type Watch = (job: Job) => readonly UsageReading[]

/**
 * Work that goes on at the provider after it was asked for: batches, assistant runs, eval runs,
 * videos. A job has these states, and moves only forward:
 *
 * - pending: created by a call of this process, whose customer will pay.
 * - billed: seen finished, by whichever answer came first. Seeing it again bills nothing.
 *
 * A finished job that is neither was created by another process, and is billed to who asks, if its
 * kind allows that and it is recent. Record ids are derived from the job, so that processes with
 * one outbox or one backend bill it once.
 */
export class Jobs {
  readonly #kind: JobKind
  readonly #memory = new JobMemory()

  constructor(kind: JobKind) {
    this.#kind = kind
  }

  /** The endpoint of a request that creates a job; `call` answers what observes it. */
  created(provider: string, call: () => ObservedCall | undefined, left: () => void): Endpoint {
    return this.#endpoint((job) => {
      const key = jobKey(provider, job.id)
      if (this.#kind.isFinished(job.status)) return this.#bill(job, provider)
      const observed = call()
      if (observed !== undefined) this.#memory.created(key, withoutPrompt(observed))
      return []
    }, left)
  }

  /** The call that created a job and waits for its usage. */
  creatorOf(provider: string, id: string): ObservedCall | undefined {
    return this.#memory.creatorOf(jobKey(provider, id))
  }

  /** The endpoint of a request that shows a job again, or lets it go on. */
  askedAgain(provider: string, id: string, left: () => void): Endpoint {
    return this.#endpoint((job) => {
      if (!this.#kind.isFinished(job.status)) return []
      const isOwn = this.#memory.creatorOf(jobKey(provider, id)) !== undefined
      if (!isOwn && !isRecent(this.#kind.billedFrom?.(job))) return []
      return this.#bill(job, provider)
    }, left)
  }

  #bill(job: Job, provider: string): readonly UsageReading[] {
    const key = jobKey(provider, job.id)
    if (this.#memory.isBilled(key)) return []
    const created = this.#memory.creatorOf(key)?.call.body ?? {}
    this.#memory.settle(key)
    const identity = [provider, this.#kind.endpoint, String(job.id), Number(job.created_at) || 0]
    const responseId = text(job.id)
    return this.#kind
      .read(job, provider, created)
      .map((reading) => ({ ...reading, identity, responseId }))
  }

  #endpoint(watch: Watch, left: () => void): Endpoint {
    return {
      ...noEstimate,
      name: this.#kind.endpoint,
      read(response) {
        const job = foundJob(response)
        return job === undefined ? [] : watch(job)
      },
      openStream: () => new JobStreamReader(this.#kind, watch, left),
    }
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
    return this.#job !== undefined && this.#kind.isFinished(this.#job.status)
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
