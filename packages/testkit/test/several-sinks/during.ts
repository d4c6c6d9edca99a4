// during.ts
import type { Sink, SinkResult, UsageRecord } from '@token-meter/core'

const settled: SinkResult = { status: 'accepted' }

/** A sink for the usage of a part of time. The rest is settled, and not sent. */
export function during(sink: Sink, { from, until }: { from?: Date; until?: Date }): Sink {
  const isMeant = ({ at }: UsageRecord) =>
    at >= (from?.getTime() ?? -Infinity) && at < (until?.getTime() ?? Infinity)
  return {
    ...sink,
    async send(batch, signal, progress) {
      const entries = batch.entries.filter(({ record }) => isMeant(record))
      const part = { ...batch, entries }
      const results = entries.length === 0 ? [] : await sink.send(part, signal, progress)
      let next = 0
      return batch.entries.map(({ record }) => (isMeant(record) ? results[next++]! : settled))
    },
  }
}
