import type { Call, UsageReading } from '@token-meter/core/wire'

/** A job's own JSON object, as the API answers it. */
export type Job = Readonly<Record<string, unknown>>

/** What is special about one kind of job. Pure: it sees JSON and answers counts. */
export interface JobKind {
  /** The endpoint's name in records. */
  readonly endpoint: string
  /** True for a status that is the job's last. */
  isFinished(status: unknown): boolean
  /** True for a status in which the job goes on without its stream. */
  readonly goesOnIn?: ReadonlySet<unknown>
  /**
   * The moment, in Unix seconds, from which a job that another process created is billed for a day
   * to who asks for it; not there when such jobs are never billed.
   */
  readonly billedFrom?: (job: Job) => unknown
  /** What a finished job used; `created` is the body of the request that created it, if known. */
  read(job: Job, provider: string, created: Call['body']): readonly UsageReading[]
}
