import type { Endpoint, JobStore } from '@token-meter/core/wire'

/**
 * Reads what a job that is done owes, and settles it: once, and only when the call that pays for it has
 * begun, since that call takes over what is held for the job.
 */
export function settling(endpoint: Endpoint, jobs: JobStore, id: string): Endpoint {
  return {
    ...endpoint,
    read: (answer, call, headers) => (jobs.settle(id) ? endpoint.read(answer, call, headers) : []),
  }
}
