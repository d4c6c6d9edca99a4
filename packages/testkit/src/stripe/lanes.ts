/** Requests in flight: Stripe processes one at a time per customer and event name. */
export interface Lanes {
  /** Enters a lane, where there is one; the answer is how many are in it now. */
  enter(lane: string | undefined): number
  leave(lane: string | undefined): void
  /** Requests in flight now, in all lanes. */
  readonly inAll: number
  /** The most requests that were ever in one lane at a time. */
  readonly mostInOneLane: number
  /** The most requests that were ever in flight at a time, in all lanes. */
  readonly mostInAll: number
}

export function createLanes(): Lanes {
  const inFlight = new Map<string, number>()
  let total = 0
  let mostInOneLane = 0
  let mostInAll = 0
  return {
    enter: (lane) => {
      mostInAll = Math.max(mostInAll, ++total)
      if (lane === undefined) return 1
      const count = (inFlight.get(lane) ?? 0) + 1
      inFlight.set(lane, count)
      mostInOneLane = Math.max(mostInOneLane, count)
      return count
    },
    leave: (lane) => {
      total -= 1
      if (lane !== undefined) inFlight.set(lane, (inFlight.get(lane) ?? 1) - 1)
    },
    get inAll() {
      return total
    },
    get mostInOneLane() {
      return mostInOneLane
    },
    get mostInAll() {
      return mostInAll
    },
  }
}
