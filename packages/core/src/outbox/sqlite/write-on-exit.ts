/** What an ending process still has in memory. */
const writes = new Set<() => void>()

/**
 * Writes what is only in memory when the process has nothing else to do, and again at its very end,
 * which `process.exit()` reaches too; a signal reaches neither. Answers how to take it back.
 */
export function writeOnExit(write: () => void): () => void {
  if (writes.size === 0) {
    // One listener for all: Node warns of a leak from the eleventh on.
    process.on('beforeExit', writeAll)
    process.on('exit', writeAll)
  }
  writes.add(write)
  return () => {
    writes.delete(write)
    if (writes.size > 0) return
    process.off('beforeExit', writeAll)
    process.off('exit', writeAll)
  }
}

function writeAll(): void {
  for (const write of writes) write()
}
