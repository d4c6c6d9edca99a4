/**
 * Meters that configure themselves from the environment. All of them in a process share one
 * pipeline, which is made at their first use, and again at the first use after a close:
 *
 *     not started ── first use ──> running ── close() ──> not started
 *
 * A watcher waits for it to run without starting it.
 */
import { observingKey } from '../call/http/request-observation.ts'
import type { Provider } from '../call/provider.ts'
import { environmentSinks } from '../environment/environment-sinks.ts'
import { ConfigError, messageOf } from '../errors/errors.ts'
import { isNextBuild } from '../lib/runtime.ts'
import { type Meter, meterOn } from './meter.ts'
import { type CloseOptions, timeoutOf } from './options.ts'
import { Pipeline } from './pipeline.ts'

/** Everything else is the function's own: to await a meter, or to print it, must not start one. */
const meterProperties: ReadonlySet<string | symbol> = new Set<keyof Meter | symbol>([
  'fetch',
  'record',
  'flush',
  'close',
  'withCustomer',
  'on',
  'stats',
  'correct',
  'outbox',
  Symbol.asyncDispose,
  observingKey,
])

/**
 * A meter that configures itself when it is first used: sinks from the backends' keys, the outbox
 * from `TOKEN_METER_OUTBOX`. Nothing that the environment lacks makes it throw: what cannot be kept
 * or delivered where it should be is reported, and kept elsewhere until it can.
 */
export function zeroConfigMeter<Client extends object>(provider: Provider<Client>): Meter<Client> {
  const meters = new WeakMap<Pipeline, Meter<Client>>()
  const current = (): Meter<Client> => {
    const pipeline = runningPipeline()
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
          shared[pipelineKey] = undefined
          await closing
        }
      }
      if (property === watchKey) return watchPipeline
      return Reflect.get(meterProperties.has(property) ? current() : target, property)
    },
    has: (target, property) => meterProperties.has(property) || Reflect.has(target, property),
  })
}

/** What can be watched of a meter. */
export type WatchedMeter = Pick<Meter, 'on' | 'stats'>

/** Where a meter that starts by itself says how to be watched; the same in every copy of core. */
const watchKey = Symbol.for('token-meter.watch')

/**
 * Watches a meter without starting it: `watcher` is called once there is something to watch, which is
 * at once for a meter of `createMeter`. A zero-config meter can be closed and started again, and
 * calls it at each start. `watcher` must not throw.
 * @returns how to end that.
 */
export function watchMeter(
  meter: WatchedMeter,
  watcher: (meter: WatchedMeter) => void,
): () => void {
  const watch: unknown = Reflect.get(meter, watchKey)
  if (typeof watch === 'function') return watch(watcher) as () => void
  watcher(meter)
  return () => {}
}

// One for the process, also across copies of this package (an application can load both the ESM
// and the CJS build): two pipelines on one ledger would only compete.
const pipelineKey = Symbol.for('token-meter.pipeline')
const watchersKey = Symbol.for('token-meter.pipeline-watchers')
const shared = globalThis as {
  [pipelineKey]?: Pipeline | undefined
  [watchersKey]?: Set<(pipeline: Pipeline) => void>
}

/** The pipeline that every zero-config meter of the process records into. */
function runningPipeline(): Pipeline {
  const running = shared[pipelineKey]
  if (running !== undefined) return running
  const made = (shared[pipelineKey] = makePipeline())
  for (const watcher of shared[watchersKey] ?? []) watcher(made)
  return made
}

/** Watches the pipeline that runs, and each that is made after it, without making one. */
function watchPipeline(watcher: (pipeline: Pipeline) => void): () => void {
  const watchers = (shared[watchersKey] ??= new Set())
  watchers.add(watcher)
  if (shared[pipelineKey] !== undefined) watcher(shared[pipelineKey])
  return () => void watchers.delete(watcher)
}

function makePipeline(): Pipeline {
  const failures: unknown[] = []
  const sinks = environmentSinks((why) => failures.push(why))
  if (sinks.length === 0 && !isNextBuild()) {
    console.warn(
      '[token-meter] no billing backend is configured (STRIPE_RESTRICTED_KEY, METRONOME_BEARER_TOKEN, ' +
        'LAGO_API_KEY or OPENMETER_URL): usage is kept in the outbox. It counts as test usage, which is ' +
        'sent to a sandbox once there is one, and to a live backend only by outbox.release(sink); it is ' +
        'live with TOKEN_METER_MODE=live, or where the outbox knows a live backend already',
    )
  }
  const pipeline = new Pipeline({ providers: [], sinks }, { tolerant: true })
  for (const cause of failures) {
    pipeline.emitError(
      new ConfigError(`${messageOf(cause)}. Usage is kept until it can be delivered.`, { cause }),
    )
  }
  return pipeline
}
