import { ConfigError } from '../errors/errors.ts'
import type { Batch } from './batch.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { Sink } from './sink.ts'
import type { SinkResult } from './sink-result.ts'
import {
  checkKeys,
  isCount,
  isFiniteDuration,
  isFunction,
  isOneOf,
  optionCheck,
} from '../errors/option-check.ts'
import { type MeterEventOptions, toMeterEvents } from '../event/meter-event.ts'
import { withSend } from './with-send.ts'

/**
 * Any async function is a sink: it gets the records of a batch. To return means that all arrived.
 *
 * It counts as one that bills nobody, and so gets usage of every mode: `record.livemode` is false for
 * test usage. One that does bill leaves that out, or is written as a `Sink` with a `livemode`.
 *
 * **To throw retries the whole batch**, also the records that did arrive, for as long as it throws:
 * one poison record then holds up every record of its batch. Where single records can fail, do not
 * throw but answer one result per record, in order: `accepted`, `retry`, or `rejected` with a
 * reason, which makes a dead letter of that record alone.
 */
export type SinkFunction = (
  records: readonly UsageRecord[],
  context: { readonly batch: Batch; readonly signal: AbortSignal },
) => Promise<void | readonly SinkResult[]>

/**
 * A sink from a function.
 * @param name keys the sink's progress in the outbox: keep it the same for ever.
 * @throws ConfigError without a name.
 */
export function functionSink(name: string, send: SinkFunction): Sink {
  if (typeof name !== 'string' || name === '') {
    throw new ConfigError(
      'a function sink needs a name, which keys its progress in the outbox: use functionSink("warehouse", send) or a named function',
    )
  }
  return {
    name,
    bills: false,
    async send(batch, signal) {
      const records = batch.entries.map(({ record }) => record)
      const results = await send(records, { batch, signal })
      return results ?? records.map(() => ({ status: 'accepted' }))
    },
  }
}

export interface ConsoleSinkOptions extends MeterEventOptions {
  /** Where the lines go. @default console.log */
  readonly write?: (line: string) => void
}

const check = optionCheck('consoleSink')

/**
 * Prints one line per meter event, and of usage that is unbilled what its events would be: for
 * trying things out, beside or instead of a real backend.
 * @throws ConfigError when an option is wrong.
 */
export function consoleSink(given: ConsoleSinkOptions = {}): Sink {
  checkKeys<ConsoleSinkOptions>('consoleSink', given, {
    write: true,
    eventName: true,
    modelSlug: true,
  })
  const { write = console.log, ...options } = given
  check('write', write, 'a function', isFunction)
  check('modelSlug', options.modelSlug ?? isFunction, 'a function', isFunction)
  return {
    name: 'console',
    bills: false,
    async send(batch) {
      for (const { record } of batch.entries) {
        const { unbilled, ...counted } = record
        for (const { customer, value, dimensions } of toMeterEvents(counted, options)) {
          const flags = [
            ...(record.outcome === 'complete' ? [] : [record.outcome]),
            ...(unbilled === undefined ? [] : [`unbilled: ${unbilled}`]),
          ]
          const flag = flags.length === 0 ? '' : ` (${flags.join(', ')})`
          write(`${customer}  ${dimensions.model}  ${dimensions.token_type}  ${value}${flag}`)
        }
      }
      return batch.entries.map(() => ({ status: 'accepted' }))
    },
  }
}

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
  const { livemode = true, bills = true, value } = sink
  for (const [option, given] of Object.entries({ livemode, bills })) {
    check(option, given, 'true or false', isOneOf(true, false))
  }
  check('value', value, "'tokens', 'cost' or undefined", isOneOf('tokens', 'cost', undefined))
  return sink
}
