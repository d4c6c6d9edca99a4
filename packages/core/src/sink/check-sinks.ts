import { ConfigError } from '../errors/config-error.ts'
import { functionSink, type SinkFunction } from './function-sink.ts'
import type { Sink } from './sink.ts'

/**
 * The sinks of a meter, functions made into sinks.
 * @throws ConfigError for what is no sink, and for two sinks of one name.
 */
export function checkSinks(given: readonly (Sink | SinkFunction)[] = []): readonly Sink[] {
  if (!Array.isArray(given)) throw new ConfigError('sinks must be an array of sinks')
  const sinks = given.map((sink: Sink | SinkFunction, index) => {
    if (typeof sink === 'function') return functionSink(sink.name, sink)
    if (typeof sink?.send === 'function' && typeof sink.name === 'string') return sink
    throw new ConfigError(
      `sinks[${index}] is no sink: expected one such as stripeSink({ ... }), or an async function`,
    )
  })
  const names = sinks.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new ConfigError(
      `two sinks are named "${twice}", but the name keys a sink's progress: give each its own`,
    )
  }
  return sinks
}
