import { startReplayServer, type ReplayServer } from '@token-meter/testkit'
import {
  type ClientOptions,
  type Customer,
  createMeter,
  type Meter,
  memoryOutbox,
} from '../src/index.ts'
import {
  openaiProvider,
  type OpenAIClient,
  type Tokenizer,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import type { SdkClass, SdkClient } from './sdk-majors.ts'

/** A provider on loopback, a raw and a metered client of it, and what the meter recorded. */
export interface Metered extends AsyncDisposable {
  readonly server: ReplayServer
  readonly meter: Meter<OpenAIClient>
  readonly raw: SdkClient
  readonly metered: SdkClient
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

export interface MeteredOptions extends ClientOptions {
  readonly customer?: Customer
  readonly onMissingCustomer?: 'record' | 'throw'
  readonly tokenizer?: Tokenizer | undefined
  /** Options of the SDK's client. */
  readonly client?: object
}

let runs = 0

export async function startMetered(
  OpenAI: SdkClass,
  options: MeteredOptions = {},
): Promise<Metered> {
  const {
    customer = 'cus_1',
    onMissingCustomer = 'record',
    tokenizer,
    client = {},
    ...clientOptions
  } = options
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onMissingCustomer,
    ...(tokenizer && { tokenizer }),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  // What a server refuses is remembered by base URL, and ports are used again.
  const baseURL = `${server.url}/run-${runs++}/v1`
  const newClient = () => new OpenAI({ apiKey: 'sk-test', baseURL, maxRetries: 0, ...client })
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

/** Waits until something is true, for what happens behind the caller's back. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 5) {
    if (waitedMs > 5000) throw new Error(`waited 5 s in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
