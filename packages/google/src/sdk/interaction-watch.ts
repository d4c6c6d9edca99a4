import { JobMemory, type ObservedCall } from '@token-meter/core/adapter'
import { jsonObject, text } from '@token-meter/core/wire'
import { type InteractionWatch, isUnfinished } from '../wire/interactions.ts'

/** An interaction of another process is billed when it is asked for within this time of its creation. */
const foreignWindowMs = 24 * 60 * 60 * 1000

/**
 * Interactions are kept by Google and can be asked for again: a background one until it has its
 * usage, any other to continue it. Each is billed once, to whoever created it. One that this process
 * did not create is billed to who asks, if it is recent: record ids are derived from the
 * interaction's id, so that processes that see the same one bill it once.
 */
export class InteractionWatches {
  readonly #memory = new JobMemory()

  /** The call that created an interaction and waits for its usage. */
  creatorOf(id: string): ObservedCall | undefined {
    return this.#memory.creatorOf(id)
  }

  /** Watches a request that creates an interaction; `call` returns what observes it. */
  created(call: () => ObservedCall | undefined, isBackground: boolean): InteractionWatch {
    const remember = (id: string): void => {
      const observed = call()
      if (observed !== undefined) this.#memory.created(id, withoutBody(observed))
    }
    return {
      bills: (interaction) => {
        const id = text(jsonObject(interaction).id)
        if (id === undefined) return true
        if (!isUnfinished(interaction)) return this.#memory.settle(id)
        remember(id)
        return true
      },
      billsInterrupted: (id) => {
        if (id === undefined) return true
        if (!isBackground) return this.#memory.settle(id)
        remember(id)
        return false
      },
    }
  }

  /** Watches a request that asks for an interaction again. */
  askedAgain(id: string, call: () => ObservedCall | undefined): InteractionWatch {
    return {
      bills: (interaction) => {
        if (this.#memory.isBilled(id)) return false
        if (isUnfinished(interaction)) {
          const observed = call()
          if (observed !== undefined) this.#memory.created(id, withoutBody(observed))
          return true
        }
        const created = Date.parse(String(jsonObject(interaction).created))
        const isRecent = Date.now() - created < foreignWindowMs
        if (this.#memory.creatorOf(id) === undefined && !isRecent) return false
        return this.#memory.settle(id)
      },
      billsInterrupted: () => false,
    }
  }
}

/** A call to remember: the same payer, without the conversation. */
function withoutBody(observed: ObservedCall): ObservedCall {
  const { model, agent } = observed.call.body
  const body = { model, agent }
  return observed.again({ ...observed.call, body }, observed.endpoint)
}
