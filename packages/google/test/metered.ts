import type { GoogleGenAIOptions } from '@google/genai'
import { type ReplayServer, startReplayServer } from '@token-meter/testkit'
import {
  type ClientOptions,
  createMeter,
  type Customer,
  type Guard,
  type GoogleClient,
  googleProvider,
  memoryOutbox,
  type Meter,
  type Outbox,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import type { SdkClass, SdkClient } from './sdk-majors.ts'

/** A provider on loopback, a raw and a metered client of it, and what the meter recorded. */
export interface Metered extends AsyncDisposable {
  readonly server: ReplayServer
  readonly meter: Meter<GoogleClient>
  readonly raw: SdkClient
  readonly metered: SdkClient
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

export interface MeteredOptions extends ClientOptions {
  readonly customer?: Customer
  readonly onMissingCustomer?: 'record' | 'throw'
  readonly outbox?: Outbox
  readonly guard?: Guard
  /** Options of the SDK's client. */
  readonly client?: GoogleGenAIOptions
}

// The SDK warns of what is experimental or deprecated on every run.
console.warn = () => {}

export async function startMetered(
  GoogleGenAI: SdkClass,
  options: MeteredOptions = {},
): Promise<Metered> {
  const {
    customer = 'cus_1',
    onMissingCustomer = 'record',
    client = {},
    outbox,
    guard,
    ...clientOptions
  } = options
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [googleProvider],
    outbox: outbox ?? memoryOutbox(),
    onMissingCustomer,
    ...(guard && { guard }),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const newClient = () => {
    const { httpOptions, ...rest } = client
    return new GoogleGenAI({
      apiKey: 'key',
      ...rest,
      httpOptions: { baseUrl: server.url, ...httpOptions },
    })
  }
  return {
    server,
    meter,
    raw: newClient(),
    metered: meter(newClient(), customer, clientOptions),
    records,
    errors,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

/** Reads a stream to its end. */
export async function readAll<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of stream) items.push(item)
  return items
}

/** Waits until something is true, for what happens behind the caller's back. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 5) {
    if (waitedMs > 5000) throw new Error(`waited 5 s in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
