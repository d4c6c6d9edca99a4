import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { stripeSink, type StripeSinkOptions } from '@token-meter/stripe'
import {
  type FakeStripe,
  type ReplayServer,
  startFakeStripe,
  startReplayServer,
} from '@token-meter/testkit'
import OpenAI from 'openai'
import {
  createMeter,
  type Meter,
  type MeterOptions,
  openaiProvider,
  type OpenAIClient,
  type TokenMeterError,
} from '../src/index.ts'

/** Everything from a real OpenAI client to a bill: provider, ledger on disk, delivery, Stripe. */
export interface BillingRun extends AsyncDisposable {
  readonly provider: ReplayServer
  readonly stripe: FakeStripe
  readonly path: string
  readonly meter: Meter<OpenAIClient>
  readonly openai: OpenAI
  readonly errors: TokenMeterError[]
}

/** Delivery that does not dawdle, for tests. */
export const quick = { lingerMs: 1, pollMs: 20, backoff: { baseMs: 5, maxMs: 50 } }

export async function startBilling(
  options: Partial<MeterOptions<OpenAIClient>> & { stripe?: Partial<StripeSinkOptions> } = {},
): Promise<BillingRun> {
  const { stripe: sinkOptions, ...meterOptions } = options
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-'))
  const path = join(folder, 'usage.db')
  const [provider, stripe] = await Promise.all([startReplayServer(), startFakeStripe()])
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: sqliteOutbox(path),
    sinks: [
      stripeSink({ apiKey: stripe.apiKey, baseUrl: stripe.url, timeoutMs: 300, ...sinkOptions }),
    ],
    delivery: quick,
    onError: (error) => void errors.push(error),
    ...meterOptions,
  })
  const client = new OpenAI({
    apiKey: 'sk-provider-secret',
    baseURL: `${provider.url}/v1`,
    maxRetries: 0,
  })
  return {
    provider,
    stripe,
    path,
    meter,
    openai: meter(client, 'cus_1'),
    errors,
    async [Symbol.asyncDispose]() {
      await meter.close({ timeoutMs: 200 })
      await Promise.all([provider.close(), stripe.close()])
      rmSync(folder, { recursive: true })
    },
  }
}
