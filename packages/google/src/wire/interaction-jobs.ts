import {
  type Call,
  type JobStore,
  jsonObject,
  text,
  type WireContext,
  type WireOperation,
} from '@token-meter/core/wire'
import { interactionsEndpoint, type InteractionWatch, isUnfinished } from './interactions.ts'

/**
 * Google keeps interactions, and can be asked for them again: for a background one until it has its
 * usage, for any other to continue it. Each is billed once, to whoever created it. One that this
 * process did not create is billed to who asks, if it is recent: record ids are derived from the
 * interaction's id, so that processes that see the same one bill it once.
 */

/** An interaction of another process is billed when it is asked for within this time of its creation. */
const foreignWindowMs = 24 * 60 * 60 * 1000

/** `POST /interactions` */
export function interactionCreation<Creator>(
  body: Call['body'],
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const jobs = context.jobs('interactions')
  return { endpoint: interactionsEndpoint(watchCreation(jobs, body)), body }
}

/** What asks for an interaction again: whoever created it pays. */
export function interactionAgain<Creator>(
  id: string,
  context: WireContext<Creator>,
): WireOperation<Creator> {
  const jobs = context.jobs('interactions')
  return {
    endpoint: interactionsEndpoint(watchAgain(jobs, id)),
    body: jobs.fieldsOf(id) ?? {},
    free: true,
    creator: jobs.creatorOf(id),
  }
}

function watchCreation(jobs: JobStore, body: Call['body']): InteractionWatch {
  const remember = (id: string) => jobs.created(id, { model: body.model, agent: body.agent })
  return {
    bills: (interaction) => {
      const id = text(jsonObject(interaction).id)
      if (id === undefined) return true
      if (!isUnfinished(interaction)) return jobs.settle(id)
      remember(id)
      return true
    },
    billsInterrupted: (id) => {
      if (id === undefined) return true
      if (body.background !== true) return jobs.settle(id)
      remember(id)
      return false
    },
  }
}

function watchAgain(jobs: JobStore, id: string): InteractionWatch {
  return {
    bills: (interaction) => {
      if (jobs.isBilled(id)) return false
      if (isUnfinished(interaction)) {
        jobs.created(id, jobs.fieldsOf(id) ?? {})
        return true
      }
      const created = Date.parse(String(jsonObject(interaction).created))
      const isRecent = Date.now() - created < foreignWindowMs
      if (jobs.creatorOf(id) === undefined && !isRecent) return false
      return jobs.settle(id)
    },
    billsInterrupted: () => false,
  }
}
