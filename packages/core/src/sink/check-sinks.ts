import { ConfigError } from '../errors/errors.ts'
import { isCount, isFiniteDuration, isOneOf, optionCheck } from '../errors/option-check.ts'
import { type SinkFunction, functionSink } from './function-sink.ts'
import type { Sink } from './sink.ts'

/**
 * The sinks of a meter, functions made into sinks.
 * @throws ConfigError for what is no sink or has a limit that is none, and for two sinks of one name.
 */
export function checkSinks(given: readonly (Sink | SinkFunction)[] = []): readonly Sink[] {
  if (!Array.isArray(given)) throw new ConfigError('sinks must be an array of sinks')
  const sinks = given.map((sink: Sink | SinkFunction, index) => {
    if (typeof sink === 'function') return functionSink(sink.name, sink)
    if (typeof sink?.send === 'function' && typeof sink.name === 'string' && sink.name !== '') {
      return checkNumbers(sink)
    }
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

/** With a limit that is none it would deliver nothing, and say nothing. */
function checkNumbers(sink: Sink): Sink {
  const { name, maxBatch = 1, maxConcurrentBatches = 1, lingerMs = 0, startsAtMs = 0 } = sink
  const check = optionCheck(`the sink "${name}"`)
  const count = 'a whole number from 1 up'
  check('maxBatch', maxBatch, count, isCount)
  check('maxConcurrentBatches', maxConcurrentBatches, count, isCount)
  check('lingerMs', lingerMs, 'a number of ms from 0 up', isFiniteDuration)
  check('startsAtMs', startsAtMs, 'a time in ms since the epoch', Number.isFinite)
  const { livemode = true, bills = true } = sink
  for (const [option, value] of Object.entries({ livemode, bills })) {
    check(option, value, 'true or false', isOneOf(true, false))
  }
  return sink
}
