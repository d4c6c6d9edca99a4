import type { Provider } from '../call/provider.ts'
import { isNextBuild } from '../lib/runtime.ts'
import { ConfigError, messageOf } from '../errors/errors.ts'
import { environmentSinks } from '../environment/environment-sinks.ts'
import { forgetSharedPipeline, sharedPipeline, watchSharedPipeline } from './shared-pipeline.ts'
import { type Meter, meterOn } from './meter.ts'
import { timeoutOf } from './options.ts'
import { watchKey } from './watch-meter.ts'
import { type CloseOptions, Pipeline } from './pipeline.ts'

/** Everything else is the function's own: to await a meter, or to print it, must not start one. */
const meterProperties: ReadonlySet<string | symbol> = new Set<keyof Meter>([
  'record',
  'flush',
  'close',
  'withCustomer',
  'on',
  'stats',
  'correct',
  'outbox',
  Symbol.asyncDispose,
])

/**
 * A meter that configures itself from the environment when it is first used: sinks from the
 * backends' keys, the outbox from `TOKEN_METER_OUTBOX`. All of them in a process share one
 * pipeline. Nothing that the environment lacks makes it throw: what cannot be kept or delivered where
 * it should be is told, and kept elsewhere until it can.
 */
export function zeroConfigMeter<Client extends object>(provider: Provider<Client>): Meter<Client> {
  const meters = new WeakMap<Pipeline, Meter<Client>>()
  const current = (): Meter<Client> => {
    const pipeline = sharedPipeline(makePipeline)
    const meter = meters.get(pipeline) ?? meterOn(pipeline, { providers: [provider] })
    meters.set(pipeline, meter)
    return meter
  }

  return new Proxy((() => {}) as unknown as Meter<Client>, {
    apply: (_, self, parameters) => Reflect.apply(current(), self, parameters),
    get(target, property) {
      if (property === 'close' || property === Symbol.asyncDispose) {
        return async (options?: CloseOptions) => {
          timeoutOf('close', options)
          const closing = current().close(options)
          forgetSharedPipeline()
          await closing
        }
      }
      if (property === watchKey) return watchSharedPipeline
      return Reflect.get(meterProperties.has(property) ? current() : target, property)
    },
    has: (target, property) => meterProperties.has(property) || Reflect.has(target, property),
  })
}

function makePipeline(): Pipeline {
  const untold: unknown[] = []
  const sinks = environmentSinks((why) => untold.push(why))
  if (sinks.length === 0 && !isNextBuild()) {
    console.warn(
      '[token-meter] no billing backend is configured (STRIPE_RESTRICTED_KEY, METRONOME_BEARER_TOKEN, ' +
        'LAGO_API_KEY or OPENMETER_URL): usage is kept in the outbox. It counts as test usage, which is ' +
        'sent to a sandbox once there is one, and to a live backend only by outbox.release(sink); it is ' +
        'live with TOKEN_METER_MODE=live, or where the outbox knows a live backend already',
    )
  }
  const pipeline = new Pipeline({ providers: [], sinks }, { tolerant: true })
  for (const why of untold) {
    pipeline.report(
      new ConfigError(`${messageOf(why)}. Usage is kept until it can be delivered.`, {
        cause: why,
      }),
    )
  }
  return pipeline
}
