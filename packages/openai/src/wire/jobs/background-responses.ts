import type { Call, JobStore, WireContext, WireOperation } from '@token-meter/core/wire'
import { isUnfinished, responsesEndpoint, type ResponseWatch } from '../responses.ts'
import { isRecent } from './jobs.ts'

/**
 * Background responses: created without usage, and asked for again until they have it. Each is
 * billed once, to whoever paid for its creation, when it is first seen finished.
 *
 * One that another process created is billed to the customer of the call that asks, if it is
 * marked as a background response and not older than a day; its record id is derived from the
 * response, so several processes that see it bill it once. Any other retrieve bills nothing: what
 * it shows was billed when it was created.
 */
const kind = 'responses'

/** The creation of a background response. */
export function backgroundCreation<Creator>(
  body: Call['body'],
  context: WireContext<Creator>,
): WireOperation<Creator> {
  return { endpoint: responsesEndpoint(created(context.jobs(kind))), body }
}

/** The request for a response that exists. */
export function backgroundAgain<Creator>(
  id: string,
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const jobs = context.jobs(kind)
  const endpoint = responsesEndpoint(askedAgain(id, jobs))
  return { endpoint, body: {}, free: true, creator: jobs.creatorOf(id) }
}

function created(jobs: JobStore): ResponseWatch {
  return {
    bills({ id, status, background }) {
      if (typeof id !== 'string' || background === false) return true
      if (isUnfinished(status)) jobs.created(id, {})
      else jobs.settle(id)
      return true
    },
  }
}

function askedAgain(id: string, jobs: JobStore): ResponseWatch {
  return {
    bills(response) {
      const { status, background, created_at: createdAt } = response
      // A stream that was resumed behind its beginning and left: the response itself was not seen.
      if (response.id === undefined || isUnfinished(status)) return false
      if (jobs.isBilled(id)) return false
      const isOwn = jobs.creatorOf(id) !== undefined
      if (!isOwn && !(background === true && isRecent(createdAt))) return false
      return jobs.settle(id)
    },
  }
}
