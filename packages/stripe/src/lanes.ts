import { createSemaphore, type Semaphore } from './semaphore.ts'
import { abortable } from '@token-meter/core/sink'

/**
 * Lanes: Stripe processes one request at a time per customer and event name, and answers others
 * with 409. So each such pair is a lane with one request in flight; lanes run side by side.
 */
export interface Lanes {
  /**
   * Runs work when its lane and one of the common places are free. Work that was begun keeps its
   * lane until it ends, even when nobody waits for it any longer.
   * @throws the signal's reason, at once when it is aborted.
   */
  run<Value>(lane: string, signal: AbortSignal, work: () => Promise<Value>): Promise<Value>
}

/** @param places one for each request in flight, in all lanes together. */
export function createLanes(places: Semaphore): Lanes {
  const lanes = new Map<string, { turns: Semaphore; users: number }>()

  function join(name: string): Semaphore {
    const lane = lanes.get(name) ?? { turns: createSemaphore(1), users: 0 }
    lane.users += 1
    lanes.set(name, lane)
    return lane.turns
  }

  function leave(name: string): void {
    const lane = lanes.get(name)
    if (lane !== undefined && --lane.users === 0) lanes.delete(name)
  }

  return {
    async run(name, signal, work) {
      const held: (() => void)[] = [() => leave(name)]
      const releaseAll = () => held.forEach((release) => release())
      try {
        held.unshift(await join(name).acquire(signal))
        held.unshift(await places.acquire(signal))
      } catch (error) {
        releaseAll()
        throw error
      }
      return abortable(work().finally(releaseAll), signal)
    },
  }
}
