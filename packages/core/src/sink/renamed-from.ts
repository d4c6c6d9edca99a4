import { ConfigError } from '../errors/errors.ts'
import { type SinkFunction, functionSink } from './function-sink.ts'
import type { Sink } from './sink.ts'
import { withSend } from './with-send.ts'

/**
 * A sink that had another name before. When an outbox first sees the new name, it goes on where the
 * old one was; without this, everything that the outbox keeps would be billed again under the new
 * name, and is held back until this, `startingFrom` or `outbox.removeSink` says what it is.
 *
 *     sinks: [renamedFrom(stripeSink({ apiKey, name: 'stripe-eu' }), 'stripe')]
 *
 * It waits while another process still uses the old name, as in a deployment. Once it is done this
 * has no effect, so it can stay as it is over restarts, and an older version of the application that
 * comes back with the old name sends nothing.
 * @throws ConfigError when the old name is none, or the sink's own.
 */
export function renamedFrom(sink: Sink | SinkFunction, oldName: string): Sink {
  const inner = typeof sink === 'function' ? functionSink(sink.name, sink) : sink
  if (typeof oldName !== 'string' || oldName === '' || oldName === inner.name) {
    throw new ConfigError(
      `renamedFrom("${inner.name}"): expected the name that it had before, got ${String(oldName)}`,
    )
  }
  return {
    ...withSend(inner, (batch, signal, progress) => inner.send(batch, signal, progress)),
    renamedFrom: oldName,
  }
}
