import type { Sink } from '../sink/sink.ts'
import { installedPackage } from './installed-package.ts'
import { variable } from './variable.ts'

interface Backend {
  /** The first that is set decides. */
  readonly variables: readonly string[]
  readonly package: string
  /** The function of the package that makes the sink. */
  readonly factory: string
  readonly options: (value: string) => object
}

const backends: readonly Backend[] = [
  {
    variables: ['STRIPE_RESTRICTED_KEY', 'STRIPE_API_KEY'],
    package: '@token-meter/stripe',
    factory: 'stripeSink',
    options: (apiKey) => ({ apiKey }),
  },
  {
    variables: ['METRONOME_BEARER_TOKEN'],
    package: '@token-meter/metronome',
    factory: 'metronomeSink',
    options: (bearerToken) => ({ bearerToken }),
  },
  {
    variables: ['LAGO_API_KEY'],
    package: '@token-meter/lago',
    factory: 'lagoSink',
    options: (apiKey) => ({ apiKey, apiUrl: variable('LAGO_API_URL') }),
  },
  {
    variables: ['OPENMETER_URL', 'OPENMETER_API_KEY'],
    package: '@token-meter/openmeter',
    factory: 'openMeterSink',
    options: () => ({ url: variable('OPENMETER_URL'), apiKey: variable('OPENMETER_API_KEY') }),
  },
]

/**
 * A sink for every billing backend that the environment has a key of.
 * @throws ConfigError that names the package to install where it is missing.
 */
export function environmentSinks(): readonly Sink[] {
  return backends.flatMap((backend) => {
    const name = backend.variables.find((candidate) => variable(candidate) !== undefined)
    if (name === undefined) return []
    const exports = installedPackage<Record<string, (options: object) => Sink>>(
      backend.package,
      `${name} is set`,
    )
    const make = exports[backend.factory]
    return make === undefined ? [] : [make(backend.options(variable(name) ?? ''))]
  })
}
