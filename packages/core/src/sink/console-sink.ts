import { checkKeys, isFunction, optionCheck } from '../errors/option-check.ts'
import { type MeterEventOptions, toMeterEvents } from '../event/meter-event.ts'
import type { Sink } from './sink.ts'

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
