/** Requests in flight: Stripe processes one at a time per customer and event name. */
export interface Lanes {
  /** Enters a lane; the answer is how many are in it now. */
  enter(lane: string): number
  leave(lane: string): void
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
      const count = (inFlight.get(lane) ?? 0) + 1
      inFlight.set(lane, count)
      mostInOneLane = Math.max(mostInOneLane, count)
      mostInAll = Math.max(mostInAll, ++total)
      return count
    },
    leave: (lane) => {
      inFlight.set(lane, (inFlight.get(lane) ?? 1) - 1)
      total -= 1
    },
    get mostInOneLane() {
      return mostInOneLane
    },
    get mostInAll() {
      return mostInAll
    },
  }
}
