import { onAbort } from '@token-meter/core/sink'

/** Lets a number of holders in at a time, in the order in which they came. */
export interface Semaphore {
  /** Resolves, once there is room, to the function that gives the place back. */
  acquire(signal: AbortSignal): Promise<() => void>
}

/** @param share how many of the places may be used now, above 0 and up to 1; one always may. */
export function createSemaphore(places: number, share: () => number = () => 1): Semaphore {
  let taken = 0
  const waiting = new Set<() => void>()

  const hasRoom = () => taken < Math.max(1, Math.floor(places * share()))

  function release(): void {
    taken -= 1
    for (const enter of waiting) {
      if (!hasRoom()) return
      enter()
    }
  }

  async function acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    // Nobody who comes later may take a place before those who wait.
    if (waiting.size === 0 && hasRoom()) taken += 1
    else await turn(signal)
    return release
  }

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(enter)
        stopListening()
      }
      const enter = () => {
        leave()
        taken += 1
        resolve()
      }
      const giveUp = () => {
        leave()
        reject(signal.reason as Error)
      }
      waiting.add(enter)
      const stopListening = onAbort(signal, giveUp)
    })
  }

  return { acquire }
}
