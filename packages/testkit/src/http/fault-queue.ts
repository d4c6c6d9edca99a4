import type { Fault, FaultOptions } from './fault.ts'

/** The faults that are still to happen, in the order in which they were asked for. */
export interface FaultQueue {
  add(fault: Fault, options?: FaultOptions): void
  /** Takes the fault of a request with this body to this path; `undefined` when it has none. */
  next(body: string, path: string): Fault | undefined
  clear(): void
}

export function createFaultQueue(): FaultQueue {
  const queue: { fault: Fault; matching: string; to: string; skip: number; left: number }[] = []
  return {
    add: (fault, { times = 1, skip = 0, matching = '', to = '' } = {}) => {
      queue.push({ fault, matching, to, skip, left: times })
    },
    next: (body, path) => {
      const found = queue.find(({ matching, to }) => body.includes(matching) && path.endsWith(to))
      if (found === undefined) return undefined
      if (found.skip > 0) {
        found.skip -= 1
        return undefined
      }
      found.left -= 1
      if (found.left <= 0) queue.splice(queue.indexOf(found), 1)
      return found.fault
    },
    clear: () => queue.splice(0),
  }
}
