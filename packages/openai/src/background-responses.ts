import type { ObservedCall } from '@token-meter/core/adapter'
import { isUnfinished } from './endpoint/response-status.ts'
import type { ResponseWatch } from './endpoint/responses.ts'

/** How many ids are remembered of each kind, so that memory stays bounded. */
const remembered = 10_000
/** A response of another process is billed when it is asked for within this time of its creation. */
const foreignWindowMs = 24 * 60 * 60 * 1000

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
  readonly #pending = new Map<string, ObservedCall>()
  readonly #billed = new Set<string>()

  /** Watches the creation of a background response. */
  created(call: () => ObservedCall | undefined): ResponseWatch {
    return {
      bills: ({ id, status, background }) => {
        if (typeof id !== 'string' || background === false) return true
        const observed = call()
        if (!isUnfinished(status)) this.#settle(id)
        else if (observed !== undefined && !this.#billed.has(id)) {
          this.#pending.set(id, observed)
          dropOldest(this.#pending)
        }
        return true
      },
    }
  }

  /** The call that created a response and waits for its usage. */
  creatorOf(id: string): ObservedCall | undefined {
    return this.#pending.get(id)
  }

  /** Watches a response that is asked for again. */
  askedAgain(id: string): ResponseWatch {
    return {
      bills: ({ status, background, created_at: createdAt }) => {
        if (isUnfinished(status) || this.#billed.has(id)) return false
        const isRecent = Date.now() - Number(createdAt) * 1000 < foreignWindowMs
        if (!this.#pending.has(id) && !(background === true && isRecent)) return false
        this.#settle(id)
        return true
      },
    }
  }

  #settle(id: string): void {
    this.#pending.delete(id)
    this.#billed.add(id)
    dropOldest(this.#billed)
  }
}

function dropOldest(ids: Map<string, unknown> | Set<string>): void {
  const [oldest] = ids.keys()
  if (ids.size > remembered && oldest !== undefined) ids.delete(oldest)
}
