import type { Call } from '@token-meter/core/wire'
import type { CallObserver, ObservedCall } from '@token-meter/core/adapter'
import type { JobName } from '../request/routes.ts'
import { assistantRuns } from './assistant-runs.ts'
import { batches } from './batches.ts'
import { evalRuns } from './eval-runs.ts'
import { Jobs } from './jobs.ts'
import { videos } from './videos.ts'

// Of the process: a job created through one metered client may be asked for through another.
const jobs: Readonly<Record<JobName, Jobs>> = {
  batches: new Jobs(batches),
  'threads.runs': new Jobs(assistantRuns),
  'evals.runs': new Jobs(evalRuns),
  videos: new Jobs(videos),
}

/** Observes a request that creates a job. */
export function beginJob(observer: CallObserver, call: Call, job: JobName): ObservedCall {
  let observed: ObservedCall | undefined
  const endpoint = jobs[job].created(call.provider, () => observed, reportLeft(observer, job))
  observed = observer.begin(call, endpoint)
  return observed
}

/** Observes a request that asks for a job again: it costs nothing itself. */
export function askForJob(
  observer: CallObserver,
  call: Call,
  job: JobName,
  id: string,
): ObservedCall {
  const endpoint = jobs[job].askedAgain(call.provider, id, reportLeft(observer, job))
  const creator = jobs[job].creatorOf(call.provider, id)
  return creator?.again(call, endpoint) ?? observer.begin(call, endpoint, { free: true })
}

const reportLeft = (observer: CallObserver, job: JobName) => () =>
  observer.fault(`a stream of ${job} was left before its end: retrieve the job, to have it billed`)
