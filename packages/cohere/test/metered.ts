import { CohereClient, CohereClientV2 } from 'cohere-ai'
import { CohereClient as CohereClient7, CohereClientV2 as CohereClientV27 } from 'cohere7'
import { startReplayServer, type ReplayServer } from '@token-meter/testkit'
import {
  type ClientOptions,
  createMeter,
  type Customer,
  type Guard,
  type Outbox,
  memoryOutbox,
  type Meter,
  type MeterOptions,
  type CohereClient as AnyCohereClient,
  cohereProvider,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'

/** All majors behave alike where the tests look, so they are written against the newest's types. */
export interface Sdk {
  readonly major: number
  readonly CohereClient: typeof CohereClient
  readonly CohereClientV2: typeof CohereClientV2
}

/** The majors of the SDK, each installed under its own name. */
export const sdkMajors: readonly Sdk[] = [
  {
    major: 7,
    CohereClient: CohereClient7 as unknown as typeof CohereClient,
    CohereClientV2: CohereClientV27 as unknown as typeof CohereClientV2,
  },
  { major: 8, CohereClient, CohereClientV2 },
]

/** A provider on loopback, raw and metered clients of it, and what the meter recorded. */
export interface Metered extends AsyncDisposable {
  readonly server: ReplayServer
  readonly meter: Meter<AnyCohereClient>
  readonly raw: CohereClient
  /** The client of v1, with v2 below `.v2`. */
  readonly metered: CohereClient
  readonly meteredV2: CohereClientV2
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

export interface MeteredOptions extends ClientOptions {
  readonly customer?: Customer
  readonly onMissingCustomer?: 'record' | 'throw'
  readonly guard?: Guard
  readonly outbox?: Outbox
  readonly cost?: MeterOptions['cost']
  /** Options of the SDK's client. */
  readonly client?: ConstructorParameters<typeof CohereClient>[0]
}

export async function startMetered(sdk: Sdk, options: MeteredOptions = {}): Promise<Metered> {
  const {
    client = {},
    customer = 'cus_1',
    onMissingCustomer = 'record',
    guard,
    outbox,
    cost,
    ...rest
  } = options
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [cohereProvider],
    outbox: outbox ?? memoryOutbox(),
    onMissingCustomer,
    ...(guard && { guard }),
    ...(cost && { cost }),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const settings = () => ({ token: 'key', environment: server.url, maxRetries: 0, ...client })
  return {
    server,
    meter,
    raw: new sdk.CohereClient(settings()),
    metered: meter(new sdk.CohereClient(settings()), customer, rest),
    meteredV2: meter(new sdk.CohereClientV2(settings()), customer, rest),
    records,
    errors,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}
