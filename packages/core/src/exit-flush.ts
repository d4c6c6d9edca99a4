/** What an ending process still has to do. */
const flushes = new Set<() => Promise<void>>()

/**
 * Delivers what is left when the process has nothing else to do. It runs on `beforeExit`, which is
 * not reached by `process.exit()` or a signal; it changes no exit code, and `flush` must give up by
 * itself. Answers how to take it back.
 */
export function flushOnExit(flush: () => Promise<void>): () => void {
  const { process } = globalThis
  if (typeof process?.on !== 'function') return () => {}
  // One listener for all: Node warns of a leak from the eleventh on.
  if (flushes.size === 0) process.on('beforeExit', flushAll)
  flushes.add(flush)
  return () => {
    flushes.delete(flush)
    if (flushes.size === 0) process.off('beforeExit', flushAll)
  }
}

function flushAll(): void {
  for (const flush of flushes) void flush()
}
