import { startReplayServer, type ReplayServer } from '@token-meter/testkit'
import {
  type AnthropicClient,
  anthropicProvider,
  type ClientOptions,
  type Customer,
  createMeter,
  type Meter,
  memoryOutbox,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import type { SdkClass, SdkClient } from './sdk-majors.ts'

/** A provider on loopback, a raw and a metered client of it, and what the meter recorded. */
export interface Metered<Client extends AnthropicClient = SdkClient> extends AsyncDisposable {
  readonly server: ReplayServer
  readonly meter: Meter<AnthropicClient>
  readonly raw: Client
  readonly metered: Client
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

export interface MeteredOptions extends ClientOptions {
  readonly customer?: Customer
  readonly onMissingCustomer?: 'record' | 'throw'
  /** Options of the SDK's client. */
  readonly client?: object
}

export async function startMetered(
  Anthropic: SdkClass,
  options: MeteredOptions = {},
): Promise<Metered> {
  const { client = {}, ...rest } = options
  return await startMeteredClient(
    (baseURL) => new Anthropic({ apiKey: 'sk-test', baseURL, maxRetries: 0, ...client }),
    rest,
  )
}

/** As `startMetered`, for clients of any class. */
export async function startMeteredClient<Client extends AnthropicClient>(
  newClient: (baseURL: string) => Client,
  options: Omit<MeteredOptions, 'client'> = {},
): Promise<Metered<Client>> {
  const { customer = 'cus_1', onMissingCustomer = 'record', ...clientOptions } = options
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [anthropicProvider],
    outbox: memoryOutbox(),
    onMissingCustomer,
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  return {
    server,
    meter,
    raw: newClient(server.url),
    metered: meter(newClient(server.url), customer, clientOptions),
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
