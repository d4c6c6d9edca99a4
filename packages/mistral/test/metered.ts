import { Mistral } from '@mistralai/mistralai'
import { Mistral as Mistral1 } from 'mistral1'
import { startReplayServer, type ReplayServer } from '@token-meter/testkit'
import {
  type ClientOptions,
  createMeter,
  type Customer,
  type Guard,
  type Outbox,
  memoryOutbox,
  type Meter,
  type MistralClient,
  mistralProvider,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'

/** Both majors behave alike where the tests look, so they are written against the newest's types. */
export type SdkClass = typeof Mistral

/** The majors of the SDK, each installed under its own name. */
export const sdkMajors: readonly { readonly major: number; readonly Mistral: SdkClass }[] = [
  { major: 1, Mistral: Mistral1 as unknown as SdkClass },
  { major: 2, Mistral },
]

/** A provider on loopback, a raw and a metered client of it, and what the meter recorded. */
export interface Metered extends AsyncDisposable {
  readonly server: ReplayServer
  readonly meter: Meter<MistralClient>
  readonly raw: Mistral
  readonly metered: Mistral
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

export interface MeteredOptions extends ClientOptions {
  readonly customer?: Customer
  readonly onMissingCustomer?: 'record' | 'throw'
  readonly guard?: Guard
  readonly outbox?: Outbox
  /** Options of the SDK's client. */
  readonly client?: ConstructorParameters<SdkClass>[0]
}

export async function startMetered(Sdk: SdkClass, options: MeteredOptions = {}): Promise<Metered> {
  const {
    client = {},
    customer = 'cus_1',
    onMissingCustomer = 'record',
    guard,
    outbox,
    ...rest
  } = options
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [mistralProvider],
    outbox: outbox ?? memoryOutbox(),
    onMissingCustomer,
    ...(guard && { guard }),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const newClient = () => new Sdk({ apiKey: 'key', serverURL: server.url, ...client })
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
