import {
  createMeter,
  memoryOutbox,
  type Meter,
  type MeterOptions,
  type TokenMeterError,
} from '@token-meter/core'
import {
  type FakeStripe,
  type ReplayServer,
  startFakeStripe,
  startReplayServer,
} from '@token-meter/testkit'
import { type OpenAIClient, openaiProvider } from '@token-meter/openai'
import { quick } from '../../openai/test/billing-run.ts'
import { type SdkClient, sdkMajors } from '../../openai/test/sdk-majors.ts'
import { stripeSink } from '@token-meter/stripe'
import { openTelemetrySink, type OpenTelemetrySinkOptions } from '../src/index.ts'
import { CollectedMetrics } from './collected-metrics.ts'

/** A real OpenAI client, metered, delivered to a fake Stripe and to OpenTelemetry's own SDK. */
export interface MeteredOpenAI extends AsyncDisposable {
  readonly provider: ReplayServer
  readonly stripe: FakeStripe
  readonly collected: CollectedMetrics
  readonly meter: Meter<OpenAIClient>
  readonly errors: readonly TokenMeterError[]
  /** A metered client of a customer. */
  client(customer: string): SdkClient
}

interface MeteredOpenAIOptions extends Partial<MeterOptions<OpenAIClient>> {
  readonly sink?: OpenTelemetrySinkOptions
}

export async function startMeteredOpenAI(
  options: MeteredOpenAIOptions = {},
): Promise<MeteredOpenAI> {
  const { sink, ...meterOptions } = options
  const [provider, stripe] = await Promise.all([startReplayServer(), startFakeStripe()])
  const collected = new CollectedMetrics()
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    sinks: [
      stripeSink({ apiKey: stripe.apiKey, baseUrl: stripe.url, timeoutMs: 300 }),
      openTelemetrySink({ meterProvider: collected.provider, ...sink }),
    ],
    delivery: quick,
    onError: (error) => void errors.push(error),
    ...meterOptions,
  })
  return {
    provider,
    stripe,
    collected,
    meter,
    errors,
    client(customer) {
      const newest = sdkMajors.at(-1)
      if (newest === undefined) throw new Error('no OpenAI SDK is installed')
      const baseURL = `${provider.url}/v1`
      return meter(new newest.OpenAI({ apiKey: 'sk-test', baseURL, maxRetries: 0 }), customer)
    },
    async [Symbol.asyncDispose]() {
      await meter.close({ timeoutMs: 200 }).catch(() => {})
      await Promise.all([provider.close(), stripe.close(), collected[Symbol.asyncDispose]()])
    },
  }
}
