import type { BedrockRuntime, BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime'
import {
  type BedrockClient,
  type BedrockOptions,
  type ClientOptions,
  createBedrockProvider,
  createMeter,
  type Customer,
  memoryOutbox,
  type Meter,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import { type BedrockServer, startBedrock } from './bedrock-server.ts'
import { clientConfig, http1Config, type Sdk } from './sdk-versions.ts'

/** Bedrock on loopback, a raw and a metered client of it, and what the meter recorded. */
export interface Metered extends AsyncDisposable {
  readonly server: BedrockServer
  readonly meter: Meter<BedrockClient>
  readonly raw: BedrockRuntime
  readonly metered: BedrockRuntime
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

export interface MeteredOptions extends ClientOptions {
  readonly customer?: Customer
  readonly onMissingCustomer?: 'record' | 'throw'
  /** Options of the SDK's client. */
  readonly client?: BedrockRuntimeClientConfig
  /** Options of the provider. */
  readonly provide?: BedrockOptions
  /** The version of HTTP. @default 2, as AWS has it */
  readonly http?: 1 | 2
}

export async function startMetered(sdk: Sdk, options: MeteredOptions = {}): Promise<Metered> {
  const {
    client = {},
    customer = 'cus_1',
    onMissingCustomer = 'record',
    provide,
    http,
    ...rest
  } = options
  const server = await startBedrock(http)
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [createBedrockProvider(provide)],
    outbox: memoryOutbox(),
    onMissingCustomer,
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const config = http === 1 ? http1Config(server.url) : clientConfig(server.url)
  const raw = new sdk.BedrockRuntime({ ...config, ...client })
  return {
    server,
    meter,
    raw,
    metered: meter(raw, customer, rest),
    records,
    errors,
    async [Symbol.asyncDispose]() {
      raw.destroy()
      await meter.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Waits until something is true, for what happens behind the caller's back. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (const began = Date.now(); !isTrue();) {
    if (Date.now() - began > 10_000) throw new Error('waited 10 s in vain')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

export async function readAll<Event>(stream: AsyncIterable<Event> | undefined): Promise<Event[]> {
  const events: Event[] = []
  for await (const event of stream ?? []) events.push(event)
  return events
}
