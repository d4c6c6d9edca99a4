import type { Sink } from './sink.ts'

/** A sink with another `send`. Not a spread: a sink can be an instance of a class. */
export function withSend(sink: Sink, send: Sink['send']): Sink {
  const { name, maxBatch, lingerMs, sums, startsAtMs, maxConcurrentBatches } = sink
  return {
    name,
    ...(maxBatch !== undefined && { maxBatch }),
    ...(lingerMs !== undefined && { lingerMs }),
    ...(sums !== undefined && { sums }),
    ...(startsAtMs !== undefined && { startsAtMs }),
    ...(maxConcurrentBatches !== undefined && { maxConcurrentBatches }),
    send,
    close: () => sink.close?.(),
  }
}
