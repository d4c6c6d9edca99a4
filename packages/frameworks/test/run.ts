import {
  type ClientOf,
  createMeter,
  memoryOutbox,
  type Meter,
  type Provider,
  type TokenMeterError,
  type UsageRecord,
} from '@token-meter/core'
import { type ReplayServer, startReplayServer } from '@token-meter/testkit'

/** A provider on loopback, a meter, and what it recorded and reported. */
export interface Run<Client extends object> extends AsyncDisposable {
  readonly server: ReplayServer
  /** The server's, with a path of its own: what a host refuses is remembered by base URL. */
  readonly baseURL: string
  readonly meter: Meter<Client>
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
}

let runs = 0

export async function startRun<Known extends Provider>(
  providers: readonly Known[],
): Promise<Run<ClientOf<Known>>> {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers,
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  return {
    server,
    baseURL: `${server.url}/run-${runs++}/v1`,
    meter,
    records,
    errors,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

/** What of a record decides a bill. */
export function billed({ customer, provider, endpoint, model, tokens, outcome }: UsageRecord) {
  const counts = [tokens.input, tokens.cachedInput, tokens.cachedWrite, tokens.output]
  return [customer, `${provider}/${model}`, endpoint, counts.join(' '), outcome].join(' | ')
}

/** Waits until something is true, for what happens behind the caller's back. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 5) {
    if (waitedMs > 5000) throw new Error(`waited 5 s in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A `fetch` that sends everything to a server here, so that requests can name the real hosts. */
export function toLoopback(server: ReplayServer): typeof fetch {
  return (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input)
    const url = server.url + pathname + search
    return fetch(input instanceof Request ? new Request(url, input) : url, init)
  }
}
