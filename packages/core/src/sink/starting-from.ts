import { ConfigError } from '../errors/errors.ts'
import { type SinkFunction, functionSink } from './function-sink.ts'
import type { Sink } from './sink.ts'
import { withSend } from './with-send.ts'

/**
 * A sink that, when an outbox first sees it, begins with usage from a moment on in place of
 * everything that the outbox still keeps (35 days, unless `retentionMs` says otherwise):
 *
 *     sinks: [stripe, startingFrom(lago, 'now')]                     // added later: nothing of the past
 *     sinks: [stripe, startingFrom(lago, new Date('2026-11-01'))]    // and with this month
 *
 * Earlier records are not counted for it. Once the sink is known, by its name, this has no effect,
 * so it can stay as it is over restarts; `outbox.removeSink(name)` makes a sink unknown again.
 * @param when `'now'` is the moment of this call; a time is compared with `record.at`.
 * @throws ConfigError when `when` is neither.
 */
export function startingFrom(sink: Sink | SinkFunction, when: 'now' | Date): Sink {
  const inner = typeof sink === 'function' ? functionSink(sink.name, sink) : sink
  const startsAtMs =
    when === 'now' ? Date.now() : when instanceof Date ? when.getTime() : Number.NaN
  if (!Number.isFinite(startsAtMs)) {
    throw new ConfigError(
      `startingFrom("${inner.name}"): expected 'now' or a Date, got ${String(when)}`,
    )
  }
  return {
    ...withSend(inner, (batch, signal, progress) => inner.send(batch, signal, progress)),
    startsAtMs,
  }
}
