import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { observeFetch, type Provider } from '../src/adapter.ts'
import { createMeter, memoryOutbox, type UsageRecord } from '../src/index.ts'
import {
  type Endpoint,
  jsonObject,
  type StreamReader,
  type UsageReading,
  type WireProtocol,
} from '../src/wire.ts'

interface FetchClient {
  readonly fetch: typeof fetch
}

/**
 * A reader that counts what its events say: `{ text }` is output, `{ usage: { input, output } }` the
 * last word.
 */
function reader(name: string, seen: (event: unknown) => void): Endpoint {
  const reading = (usage: unknown): UsageReading => {
    const { input, output } = jsonObject(usage) as { input?: number; output?: number }
    const tokens = { input, output, cachedInput: 0, cachedWrite: 0 }
    return { model: name, tokens, details: {}, serviceTier: undefined, raw: usage, problems: [] }
  }
  return {
    name,
    read: (answer) => [reading(jsonObject(answer).usage)],
    openStream(_, output): StreamReader {
      let usage: unknown
      return {
        rewrites: false,
        get finished() {
          return usage !== undefined
        },
        get usageSeen() {
          return usage !== undefined
        },
        push(event) {
          seen(event)
          const { text, usage: said } = jsonObject(event)
          output.add(text)
          usage = said ?? usage
          return event
        },
        readings: () => [reading(usage)],
      }
    },
    estimateInput: (body, estimate) => estimate.add(body.prompt),
    estimateOutput: () => {},
  }
}

/** A metered `fetch` whose every request is one of that endpoint. */
export function framedMeter(seen: (event: unknown) => void = () => {}) {
  const records: UsageRecord[] = []
  const errors: string[] = []
  const endpoint = reader('framed', seen)
  const protocol: WireProtocol = {
    name: 'framed',
    open: () => ({ endpoint, body: { prompt: 'hi' } }),
  }
  const provider: Provider<FetchClient> = {
    name: 'framed',
    clientDescription: 'an object with a fetch',
    recognises: (client): client is FetchClient => 'fetch' in client,
    observe: (client, observer, options) => ({
      ...client,
      fetch: observeFetch(client.fetch, { observer, protocols: [protocol], ...options }),
    }),
  }
  const meter = createMeter({
    providers: [provider],
    outbox: memoryOutbox(),
    onError: ({ message }) => void errors.push(message),
  })
  meter.on('usage', (record) => void records.push(record))
  return { meter, fetch: meter({ fetch }, 'cus_1').fetch, records, errors }
}

/** A server that answers every request as `answer` does, and a metered `fetch` that calls it. */
export async function startFramed(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const events: unknown[] = []
  const metered = framedMeter((event) => void events.push(event))
  return {
    ...metered,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    /** Every event that the reader was shown. */
    events,
    async [Symbol.asyncDispose]() {
      await metered.meter.close()
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}

/** Bytes cut at places that may be in any order, and the same place twice. */
export function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.slice(places[index], end))
}
