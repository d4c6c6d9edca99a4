/**
 * Lets timers and connections have their turn: with a sink that answers at once, a whole backlog
 * would be one turn of the event loop. Nothing that holds a process for longer than that.
 */
export function otherThings(): Promise<void> {
  // Not there in every runtime.
  const { setImmediate: soon } = globalThis as Partial<typeof globalThis>
  return new Promise((resolve) => {
    if (soon === undefined) setTimeout(resolve, 0)
    // Unreferenced, it would wait for whatever wakes the process next.
    else soon(resolve)
  })
}
