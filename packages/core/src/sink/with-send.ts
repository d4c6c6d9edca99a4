import type { Sink } from './sink.ts'

/** A sink with another `send`. Not a spread: a sink can be an instance of a class. */
export function withSend(sink: Sink, send: Sink['send']): Sink {
  const { name, reportsProgress, maxBatch, lingerMs, startsAtMs, maxConcurrentBatches } = sink
  return {
    name,
    ...(reportsProgress !== undefined && { reportsProgress }),
    ...(maxBatch !== undefined && { maxBatch }),
    ...(lingerMs !== undefined && { lingerMs }),
    ...(startsAtMs !== undefined && { startsAtMs }),
    ...(maxConcurrentBatches !== undefined && { maxConcurrentBatches }),
    send,
    close: () => sink.close?.(),
  }
}
