import type { Outbox } from './outbox/outbox.ts'

/** How long an ending process may take to deliver what it has, in ms. */
const durableMs = 2_000
const memoryMs = 10_000

/**
 * Delivers what is left when the process has nothing else to do. It runs on `beforeExit`, which is
 * not reached by `process.exit()` or a signal; it changes no exit code, and it gives up by itself.
 * Answers how to take it back.
 */
export function flushOnExit(
  outbox: Outbox,
  flush: (options: { timeoutMs: number }) => Promise<unknown>,
): () => void {
  const { process } = globalThis
  if (typeof process?.on !== 'function') return () => {}
  let flushedTo = -1
  const onBeforeExit = async () => {
    try {
      // The event comes again after every asynchronous round: only new records are worth another.
      const position = await outbox.position()
      if (position === flushedTo) return
      flushedTo = position
      await flush({ timeoutMs: outbox.durable ? durableMs : memoryMs })
    } catch {
      // Reported already; a durable outbox keeps the rest for the next process.
    }
  }
  process.on('beforeExit', onBeforeExit)
  return () => void process.off('beforeExit', onBeforeExit)
}
