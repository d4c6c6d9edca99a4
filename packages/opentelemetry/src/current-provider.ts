import { type Meter, type MeterProvider, metrics } from '@opentelemetry/api'
import { hasMethod, optionCheck } from '@token-meter/core/sink'

/** Of this package, as the instrumentation scope of its metrics names it. */
const version: string = manifest.version

/**
 * Instruments on the given provider, or on the global one of the moment: the API hands out
 * instruments that do nothing until an SDK is registered, and those never come to life. The
 * instruments of one provider are made once.
 */
export function onCurrentProvider<Instruments>(
  given: MeterProvider | undefined,
  make: (meter: Meter) => Instruments,
  schemaUrl?: string,
): () => Instruments {
  const made = new WeakMap<MeterProvider, { readonly instruments: Instruments }>()
  return () => {
    const provider = given ?? metrics.getMeterProvider()
    const known = made.get(provider)
    if (known !== undefined) return known.instruments
    const options = schemaUrl === undefined ? undefined : { schemaUrl }
    const instruments = make(provider.getMeter('@token-meter/opentelemetry', version, options))
    made.set(provider, { instruments })
    return instruments
  }
}

/** @throws ConfigError for what is no meter provider. */
export function checkMeterProvider(where: string, provider: MeterProvider | undefined): void {
  if (provider === undefined) return
  const wanted =
    'a MeterProvider of OpenTelemetry, such as that of @opentelemetry/sdk-metrics, or left out for the global one'
  optionCheck(where)('meterProvider', provider, wanted, hasMethod('getMeter'))
}

import manifest from '../package.json' with { type: 'json' }
