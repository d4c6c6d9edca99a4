import { JobMemory, type ObservedCall } from '@token-meter/core/adapter'
import { isUnfinished } from './endpoint/response-status.ts'
import type { ResponseWatch } from './endpoint/responses.ts'
import { isRecent } from './jobs/foreign-window.ts'
import { withoutPrompt } from './jobs/without-prompt.ts'

/**
 * Background responses: created without usage, and asked for again until they have it. Each is
 * billed once, to whoever paid for its creation, when it is first seen finished.
 *
 * One that another process created is billed to the customer of the call that asks, if it is
 * marked as a background response and not older than a day; its record id is derived from the
 * response, so several processes that see it bill it once. Any other retrieve bills nothing: what
 * it shows was billed when it was created.
 */
export class BackgroundResponses {
  readonly #memory = new JobMemory()

  /** Watches the creation of a background response. */
  created(call: () => ObservedCall | undefined): ResponseWatch {
    return {
      bills: ({ id, status, background }) => {
        if (typeof id !== 'string' || background === false) return true
        const observed = call()
        if (!isUnfinished(status)) this.#memory.settle(id)
        else if (observed !== undefined) this.#memory.created(id, withoutPrompt(observed))
        return true
      },
    }
  }

  /** The call that created a response and waits for its usage. */
  creatorOf(id: string): ObservedCall | undefined {
    return this.#memory.creatorOf(id)
  }

  /** Watches a response that is asked for again. */
  askedAgain(id: string): ResponseWatch {
    return {
      bills: (response) => {
        const { status, background, created_at: createdAt } = response
        // A stream that was resumed behind its beginning and left: the response itself was not seen.
        if (response.id === undefined || isUnfinished(status)) return false
        if (this.#memory.isBilled(id)) return false
        const isOwn = this.#memory.creatorOf(id) !== undefined
        if (!isOwn && !(background === true && isRecent(createdAt))) return false
        this.#memory.settle(id)
        return true
      },
    }
  }
}
