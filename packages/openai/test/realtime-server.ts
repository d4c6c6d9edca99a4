import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws'
import {
  type ClientOptions,
  createMeter,
  type Customer,
  type Guard,
  memoryOutbox,
  type Meter,
  meterRealtime,
  type OpenAIClient,
  openaiProvider,
  type OpenAISocket,
  type Outbox,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import { until } from './metered.ts'

/** An event of the server. */
export type WireEvent = { readonly type: string; readonly [field: string]: unknown }

/** A WebSocket server on loopback and a meter, for the sockets of the SDK. */
export interface SocketRun extends AsyncDisposable {
  /** For the SDKs' clients. Their realtime sockets turn it into `wss:`, see `withoutTls`. */
  readonly baseURL: string
  readonly meter: Meter<OpenAIClient | OpenAISocket>
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
  /** Connections so far, in their order. */
  readonly connections: ServerSocket[]
  /** Options of the `ws` package that reach this server without TLS. */
  readonly withoutTls: object
  wrap<Socket extends OpenAISocket>(
    rt: Socket,
    customer?: Customer,
    options?: ClientOptions,
  ): Socket
  /** Sends events on the latest connection and waits until the socket has emitted them all. */
  play(rt: OpenAISocket, events: readonly unknown[]): Promise<void>
}

let played = 0

export async function startSocketRun(
  options: {
    readonly onMissingCustomer?: 'record' | 'throw'
    readonly guard?: Guard
    readonly outbox?: Outbox
  } = {},
): Promise<SocketRun> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connections: ServerSocket[] = []
  server.on('connection', (socket) => void connections.push(socket))
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
    ...options,
  })
  meter.on('usage', (record) => void records.push(record))
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    meter,
    records,
    errors,
    connections,
    withoutTls: { createConnection: () => connect(port, '127.0.0.1') },
    wrap: (rt, customer = 'cus_1', wrapOptions = {}) =>
      meterRealtime(rt, customer, { meter, ...wrapOptions }),
    async play(rt, events) {
      await until(() => connections.length > 0, 'the socket has connected')
      const last = `test.played.${played++}`
      let isOver = false
      const on = rt.on.bind(rt) as unknown as (type: string, seen: () => void) => void
      on(last, () => (isOver = true))
      for (const event of [...events, { type: last }]) {
        connections.at(-1)?.send(JSON.stringify(event))
      }
      await until(() => isOver, 'the socket has emitted what was sent')
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.close(1000)
      server.close()
      await meter.close()
    },
  }
}
