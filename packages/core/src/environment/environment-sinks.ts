import { isNextBuild } from '../lib/runtime.ts'
import type { Sink } from '../sink/sink.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import { installedPackage } from './installed-package.ts'
import { variable } from './runtime.ts'
import { messageOf } from '../errors/errors.ts'

interface Backend {
  /** Of its sink, where nobody gave it another. */
  readonly name: string
  /** The first that is set decides. */
  readonly variables: readonly string[]
  readonly package: string
  /** The function of the package that makes the sink. */
  readonly factory: string
  readonly options: (value: string) => object
  /** Whether a key is one for a sandbox, where it shows that. */
  readonly isTestKey?: (key: string) => boolean
}

const backends: readonly Backend[] = [
  {
    name: 'stripe',
    variables: ['STRIPE_RESTRICTED_KEY', 'STRIPE_API_KEY'],
    package: '@token-meter/stripe',
    factory: 'stripeSink',
    options: (apiKey) => ({ apiKey }),
    isTestKey: (key) => /^[a-z]+(?:_[a-z]+)?_test_/.test(key),
  },
  {
    name: 'metronome',
    variables: ['METRONOME_BEARER_TOKEN'],
    package: '@token-meter/metronome',
    factory: 'metronomeSink',
    options: (bearerToken) => ({ bearerToken }),
  },
  {
    name: 'lago',
    variables: ['LAGO_API_KEY'],
    package: '@token-meter/lago',
    factory: 'lagoSink',
    options: (apiKey) => ({ apiKey, apiUrl: variable('LAGO_API_URL') }),
  },
  {
    name: 'openmeter',
    variables: ['OPENMETER_URL', 'OPENMETER_API_KEY'],
    package: '@token-meter/openmeter',
    factory: 'openMeterSink',
    options: () => ({ url: variable('OPENMETER_URL'), apiKey: variable('OPENMETER_API_KEY') }),
  },
]

/**
 * A sink for every billing backend that the environment has a key of. Where it cannot be made, for
 * want of its package or with a key that is none, one stands in its place that keeps usage pending
 * until it can.
 * @param tell told why a sink cannot be made.
 */
export function environmentSinks(tell: (why: unknown) => void): readonly Sink[] {
  return backends.flatMap((backend) => {
    const key = backend.variables.find((candidate) => variable(candidate) !== undefined)
    if (key === undefined) return []
    const make = () => makeSink(backend, key)
    const isLive = backend.isTestKey?.(variable(key) ?? '') !== true
    // Of a build, nobody knows yet what the application will find where it runs.
    if (isNextBuild()) return [lateSink(backend.name, make, isLive)]
    try {
      return [make()]
    } catch (cause) {
      tell(cause)
      return [lateSink(backend.name, make, isLive)]
    }
  })
}

function makeSink(backend: Backend, key: string): Sink {
  const exports = installedPackage<Record<string, (options: object) => Sink>>(
    backend.package,
    `${key} is set`,
  )
  const make = exports[backend.factory]
  if (make === undefined) {
    throw new Error(`${backend.package} has no ${backend.factory}: install a matching version`)
  }
  return make(backend.options(variable(key) ?? ''))
}

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
