import {
  createMeter,
  type Customer,
  type Meter,
  type Provider,
  type TokenMeterError,
  type UsageRecord,
} from '@token-meter/core'
import {
  RefusedError,
  watchedGuard,
  type WatchedGuard,
  watchedOutbox,
} from '../provider-suite/watched-guard.ts'
import { type ReplayServer, startReplayServer } from '../replay/replay-server.ts'

/** A provider on loopback, a client of it that is metered under a watched guard, and what became of its calls. */
export interface Guarded<Client extends object> extends AsyncDisposable {
  readonly server: ReplayServer
  readonly guard: WatchedGuard
  readonly outbox: ReturnType<typeof watchedOutbox>
  readonly meter: Meter
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
  readonly newClient: (more?: object) => Client
  readonly metered: Client
}

/** @param makeClient of the provider that is served there, with options of a test's own. */
export async function startGuarded<Client extends object>(
  provider: Provider,
  makeClient: (url: string, more: object) => Client,
  { first, customer = 'cus_1' }: { first?: WatchedGuard['first']; customer?: Customer } = {},
): Promise<Guarded<Client>> {
  const server = await startReplayServer()
  const guard = watchedGuard(first)
  const outbox = watchedOutbox()
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const onError = (error: TokenMeterError) => void errors.push(error)
  const meter = createMeter({ providers: [provider], outbox, guard, onError })
  meter.on('usage', (record) => void records.push(record))
  const newClient = (more: object = {}) => makeClient(server.url, more)
  const metered = meter(newClient(), customer)
  return {
    server,
    guard,
    outbox,
    meter,
    records,
    errors,
    newClient,
    metered,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

/** The first of a guard that refuses every call. */
export const refuses = (): never => {
  throw new RefusedError()
}
