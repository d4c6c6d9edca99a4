import { startReplayServer, type ReplayServer } from '@token-meter/testkit'
import {
  type AiSdkClient,
  aiSdkProvider,
  createMeter,
  type Meter,
  memoryOutbox,
  type MeterOptions,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import type { SdkMajor } from './sdk-majors.ts'

/** Providers on loopback, a meter, and what it recorded. */
export interface Metered extends AsyncDisposable {
  readonly server: ReplayServer
  readonly meter: Meter<AiSdkClient>
  readonly openai: ReturnType<SdkMajor['createOpenAI']>
  readonly anthropic: ReturnType<SdkMajor['createAnthropic']>
  readonly google: ReturnType<SdkMajor['createGoogle']>
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

export async function startMetered(
  sdk: Omit<SdkMajor, 'ai'>,
  options: Partial<MeterOptions<AiSdkClient>> = {},
): Promise<Metered> {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [aiSdkProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
    ...options,
  })
  meter.on('usage', (record) => void records.push(record))
  const settings = { apiKey: 'sk-test', baseURL: `${server.url}/v1` }
  return {
    server,
    meter,
    openai: sdk.createOpenAI(settings),
    anthropic: sdk.createAnthropic(settings),
    google: sdk.createGoogle(settings),
    records,
    errors,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

/** Waits until something is true, for what happens behind the caller's back. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 5) {
    if (waitedMs > 5000) throw new Error(`waited 5 s in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
