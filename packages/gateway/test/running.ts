/** A gateway on this machine, in front of an upstream, with a meter whose records can be looked at. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anthropicProvider } from '@token-meter/anthropic'
import {
  createMeter,
  type Guard,
  memoryOutbox,
  type Meter,
  type Outbox,
  type TokenMeterError,
  type UsageRecord,
} from '@token-meter/core'
import { googleProvider } from '@token-meter/google'
import { openaiProvider } from '@token-meter/openai'
import type { AccessEntry } from '../src/access-entry.ts'
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type UpstreamOptions,
} from '../src/index.ts'

export interface Running extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string
  readonly port: number
  readonly gateway: Gateway
  readonly meter: Meter
  readonly server: Server
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
  readonly entries: AccessEntry[]
  readonly faults: unknown[]
  /** Resolves with the entry of the request that is over as the n-th, from 1. */
  entry(count: number): Promise<AccessEntry>
}

export const upstreamKey = 'sk-upstream-secret'

/** Upstreams of each dialect at one address. */
export function upstreamsAt(url: string): Record<string, UpstreamOptions> {
  return {
    openai: { baseUrl: url, apiKey: upstreamKey },
    anthropic: { baseUrl: url, apiKey: upstreamKey },
    gemini: { baseUrl: url, apiKey: upstreamKey },
  }
}

export interface RunningOptions extends Partial<Omit<GatewayOptions, 'meter'>> {
  readonly guard?: Guard
  readonly outbox?: Outbox
  readonly createServer?: () => Server
}

export async function startGateway(
  upstream: string,
  {
    guard,
    outbox = memoryOutbox(),
    createServer: make = createServer,
    ...options
  }: RunningOptions = {},
): Promise<Running> {
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const entries: AccessEntry[] = []
  const faults: unknown[] = []
  const waiting = new Map<number, (entry: AccessEntry) => void>()
  const meter = createMeter({
    providers: [openaiProvider, anthropicProvider, googleProvider],
    sinks: [],
    outbox,
    onError: (error) => void errors.push(error),
    ...(guard && { guard }),
  })
  meter.on('usage', (record) => void records.push(record))
  const gateway = createGateway({
    meter,
    upstreams: upstreamsAt(upstream),
    onError: (_, cause) => void faults.push(cause),
    ...options,
    accessLog(entry) {
      entries.push(entry)
      waiting.get(entries.length)?.(entry)
      options.accessLog?.(entry)
    },
  })
  const server = make()
  const { handle } = gateway
  server.on('request', handle).on('checkContinue', handle).on('checkExpectation', handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    gateway,
    meter: meter as Meter,
    server,
    records,
    errors,
    entries,
    faults,
    entry: (count) =>
      new Promise((resolve) => {
        const known = entries[count - 1]
        if (known === undefined) waiting.set(count, resolve)
        else resolve(known)
      }),
    async [Symbol.asyncDispose]() {
      const closed = gateway.close({ timeoutMs: 200 })
      server.close()
      server.closeAllConnections()
      await closed
      await meter.close()
    },
  }
}
