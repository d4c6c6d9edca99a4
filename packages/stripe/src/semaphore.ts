/** Lets a number of holders in at a time, in the order in which they came. */
export interface Semaphore {
  /** Resolves, once there is room, to the function that gives the place back. */
  acquire(signal: AbortSignal): Promise<() => void>
}

export function createSemaphore(places: number): Semaphore {
  let free = places
  const waiting = new Set<() => void>()

  function release(): void {
    const [next] = waiting
    if (next === undefined) free += 1
    else next()
  }

  async function acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (free > 0) free -= 1
    else await turn(signal)
    return release
  }

  /** A place is handed on directly, so that nobody who comes later can take it first. */
  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(enter)
        signal.removeEventListener('abort', giveUp)
      }
      const enter = () => {
        leave()
        resolve()
      }
      const giveUp = () => {
        leave()
        reject(signal.reason as Error)
      }
      waiting.add(enter)
      signal.addEventListener('abort', giveUp)
    })
  }

  return { acquire }
}
