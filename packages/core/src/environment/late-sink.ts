import { messageOf } from '../errors/errors.ts'
import type { Sink, SinkResult } from '../sink/sink.ts'

/** How soon it is tried to make the sink again, in ms. */
const againMs = 10_000

/**
 * A sink that cannot be made yet: whatever it is given stays pending under its name, in this process
 * or for a later one, until it can.
 * @param make throws why it cannot be made now.
 * @param livemode what the key says of it.
 */
export function lateSink(name: string, make: () => Sink, livemode = true): Sink {
  let sink: Sink | undefined
  return {
    name,
    livemode,
    // One record at a time: as long as there is no sink, what is claimed only makes a batch.
    get maxBatch() {
      return sink === undefined ? 1 : (sink.maxBatch ?? 100)
    },
    get maxConcurrentBatches() {
      return sink?.maxConcurrentBatches ?? 1
    },
    get lingerMs() {
      return sink?.lingerMs ?? 0
    },
    // Without a sink nothing is sent, and nothing uncertain when the process is killed.
    get reportsProgress() {
      return sink === undefined || sink.reportsProgress === true
    },
    async send(batch, signal, progress) {
      const isClaimedForIt = sink !== undefined
      try {
        sink ??= make()
      } catch (cause) {
        const reason = messageOf(cause)
        return batch.entries.map((): SinkResult => ({ status: 'retry', reason, afterMs: againMs }))
      }
      if (!isClaimedForIt && sink.reportsProgress !== true) {
        const reason = 'the sink has only just been made'
        return batch.entries.map((): SinkResult => ({ status: 'retry', reason, afterMs: 0 }))
      }
      return await sink.send(batch, signal, progress)
    },
    close: () => sink?.close?.(),
  }
}
