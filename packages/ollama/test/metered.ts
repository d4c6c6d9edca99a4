import { Ollama } from 'ollama'
import { Ollama as Ollama05 } from 'ollama05'
import { type EventFraming, type ReplayServer, startReplayServer } from '@token-meter/testkit'
import {
  type ClientOptions,
  createMeter,
  type Customer,
  memoryOutbox,
  type Meter,
  type MeterOptions,
  type OllamaClient,
  ollamaProvider,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'

/** Both minors behave alike where the tests look, so they are written against the newest's types. */
export type SdkClass = typeof Ollama

/** The minors of the SDK, each installed under its own name. */
export const sdkMinors: readonly { readonly minor: string; readonly Ollama: SdkClass }[] = [
  { minor: '0.5', Ollama: Ollama05 as unknown as SdkClass },
  { minor: '0.6', Ollama },
]

/** As Ollama streams: a line of JSON for each event. */
export const ndjson: EventFraming = {
  contentType: 'application/x-ndjson',
  encode: (event) => `${JSON.stringify(event)}\n`,
}

/** A provider on loopback, a raw and a metered client of it, and what the meter recorded. */
export interface Metered extends AsyncDisposable {
  readonly server: ReplayServer
  readonly meter: Meter<OllamaClient>
  readonly raw: Ollama
  readonly metered: Ollama
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

export interface MeteredOptions extends ClientOptions {
  readonly customer?: Customer
  readonly onMissingCustomer?: 'record' | 'throw'
  readonly cost?: MeterOptions['cost']
  /** Options of the SDK's client. */
  readonly client?: ConstructorParameters<SdkClass>[0]
}

export async function startMetered(Sdk: SdkClass, options: MeteredOptions = {}): Promise<Metered> {
  const { client = {}, customer = 'cus_1', onMissingCustomer = 'record', cost, ...rest } = options
  const server = await startReplayServer({ framing: ndjson })
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [ollamaProvider],
    outbox: memoryOutbox(),
    onMissingCustomer,
    ...(cost && { cost }),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const newClient = () => new Sdk({ host: server.url, ...client })
  return {
    server,
    meter,
    raw: newClient(),
    metered: meter(newClient(), customer, rest),
    records,
    errors,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}
