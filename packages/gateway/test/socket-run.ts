/** A gateway in front of a server of sockets, both on loopback, and who calls it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import {
  createMeter,
  type Guard,
  memoryOutbox,
  type Outbox,
  type TokenMeterError,
  type UsageRecord,
} from '@token-meter/core'
import { googleProvider } from '@token-meter/google'
import { openaiProvider } from '@token-meter/openai'
import OpenAI from 'openai'
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws'
import {
  type AccessEntry,
  type Caller,
  type CallerKeys,
  createGateway,
  type Gateway,
} from '../src/index.ts'

export const upstreamKey = 'sk-upstream-secret'

export interface SocketRunOptions {
  readonly guard?: Guard
  readonly outbox?: Outbox
  /** What is said to a caller that has connected. */
  readonly serve?: (socket: WebSocket, request: IncomingMessage) => void
  /** What the upstream answers in place of a socket. */
  readonly refuse?: { readonly status: number; readonly headers: object; readonly body: string }
  readonly gateway?: Partial<Parameters<typeof createGateway>[0]>
  readonly onMissingCustomer?: 'record' | 'throw'
}

export interface SocketRun extends AsyncDisposable {
  readonly gateway: Gateway
  readonly port: number
  /** Of the gateway, for clients that connect to `ws:`. */
  readonly url: string
  /** The upstream's ends of sockets, in their order, and the requests for them. */
  readonly upstreams: WebSocket[]
  readonly requests: IncomingMessage[]
  readonly records: UsageRecord[]
  readonly errors: TokenMeterError[]
  readonly entries: AccessEntry[]
  readonly faults: unknown[]
  readonly outbox: Outbox
  /** A bare socket through the gateway, open. */
  open(path?: string, protocols?: string[], options?: ClientOptions): Promise<WebSocket>
  /** How long it takes, not how it ends. */
  until(condition: () => boolean, what: string): Promise<void>
}

export const realtime = '/v1/realtime?model=gpt-realtime'

export async function startSocketRun({
  guard,
  outbox = memoryOutbox(),
  serve = () => undefined,
  refuse,
  gateway: options = {},
  onMissingCustomer = 'record',
}: SocketRunOptions = {}): Promise<SocketRun> {
  const upstreams: WebSocket[] = []
  const requests: IncomingMessage[] = []
  const upstream = createServer()
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
  })
  sockets.on('headers', (lines) => void lines.push('openai-processing-ms: 7'))
  upstream.on('upgrade', (request, socket, head) => {
    requests.push(request)
    if (refuse !== undefined) {
      const lines = Object.entries(refuse.headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.end(
        `HTTP/1.1 ${refuse.status} Refused Here\r\n${lines.join('')}content-length: ${refuse.body.length}\r\n\r\n${refuse.body}`,
      )
      return
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      upstreams.push(accepted)
      accepted.on('error', () => {})
      serve(accepted, request)
    })
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const baseUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const entries: AccessEntry[] = []
  const faults: unknown[] = []
  const meter = createMeter({
    providers: [openaiProvider, googleProvider],
    sinks: [],
    outbox,
    onError: (error) => void errors.push(error),
    onMissingCustomer,
    ...(guard && { guard }),
  })
  meter.on('usage', (record) => void records.push(record))
  const gateway = createGateway({
    meter,
    upstreams: {
      openai: { baseUrl, apiKey: upstreamKey },
      gemini: { baseUrl, apiKey: upstreamKey },
      azure: { baseUrl: `${baseUrl}/openai`, apiKey: upstreamKey, auth: 'api-key' },
    },
    onError: (_, cause) => void faults.push(cause),
    accessLog: (entry) => void entries.push(entry),
    ...options,
  })
  const server = createServer((request, response) => gateway.handle(request, response))
  server.on('upgrade', (request, socket, head) => gateway.upgrade(request, socket, head))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `ws://127.0.0.1:${port}`
  const callers: WebSocket[] = []
  return {
    gateway,
    port,
    url,
    upstreams,
    requests,
    records,
    errors,
    entries,
    faults,
    outbox,
    async open(path = realtime, protocols = [], more = {}) {
      const { headers = {}, ...rest } = more
      const caller = new WebSocket(`${url}${path}`, protocols, {
        headers: { authorization: 'Bearer any', 'stripe-customer-id': 'cus_1', ...headers },
        ...rest,
      })
      callers.push(caller)
      await once(caller, 'open')
      return caller
    },
    async until(condition, what) {
      const end = Date.now() + 20_000
      while (!condition()) {
        if (Date.now() > end) throw new Error(`it has not come to be: ${what}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    async [Symbol.asyncDispose]() {
      for (const caller of callers) caller.terminate()
      const closed = gateway.close({ timeoutMs: 100 })
      server.close()
      server.closeAllConnections()
      for (const socket of upstreams) socket.terminate()
      upstream.close()
      upstream.closeAllConnections()
      await closed
      await meter.close()
    },
  }
}

/** The SDK insists on TLS, which a server on loopback has not. */
export function withoutTls({ port }: Pick<SocketRun, 'port'>): object {
  return { createConnection: () => connect(port, '127.0.0.1') }
}

/** The client of the SDK, with the gateway as its base URL. */
export function openaiClient({ port }: Pick<SocketRun, 'port'>): OpenAI {
  return new OpenAI({
    apiKey: 'tm-key-of-the-gateway',
    baseURL: `http://127.0.0.1:${port}/v1`,
    defaultHeaders: { 'stripe-customer-id': 'cus_1' },
    maxRetries: 0,
  })
}

export const usage = {
  total_tokens: 253,
  input_tokens: 132,
  output_tokens: 121,
  input_token_details: { text_tokens: 132, cached_tokens: 64 },
  output_token_details: { text_tokens: 121 },
}

export const sessionCreated = {
  type: 'session.created',
  session: { id: 'sess_1', type: 'realtime', model: 'gpt-realtime' },
}

export function responseCreated(id: string): object {
  return { type: 'response.created', response: { id, status: 'in_progress', output: [] } }
}

export function textDelta(id: string, delta: string): object {
  return { type: 'response.output_text.delta', response_id: id, item_id: 'item_1', delta }
}

export function responseDone(id: string): object {
  return { type: 'response.done', response: { id, status: 'completed', output: [], usage } }
}

/** A model that answers each `response.create`. */
export function answering(socket: WebSocket): void {
  let count = 0
  socket.send(JSON.stringify(sessionCreated))
  socket.on('message', (data) => {
    const { type } = JSON.parse(String(data)) as { type: string }
    if (type !== 'response.create') return
    const id = `resp_${++count}`
    for (const event of [responseCreated(id), textDelta(id, 'Hello'), responseDone(id)]) {
      socket.send(JSON.stringify(event))
    }
  })
}

/** The messages of a socket, as they come. */
export function heard(
  socket: WebSocket,
): { readonly type: string; readonly [name: string]: unknown }[] {
  const events: { readonly type: string }[] = []
  socket.on('message', (data) => void events.push(JSON.parse(String(data)) as { type: string }))
  return events
}

/** How a socket ends. */
export async function closed(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return { code, reason: String(reason) }
}

/** What is answered in place of a socket. */
export function refusedSocket(
  url: string,
  protocols: string[] = [],
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, { headers })
    socket.on('error', () => {})
    socket.once('open', () => reject(new Error('it was opened')))
    socket.once('unexpected-response', (_, response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => (body += piece))
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
      })
    })
  })
}

/** One caller, whatever the key. */
export function callerKeys(
  more: Partial<Caller> = {},
  enter: CallerKeys['enter'] = () => ({ leave: () => undefined }),
): CallerKeys {
  const caller: Caller = {
    keyId: 'k1',
    userId: null,
    teamId: null,
    customer: 'cus_1',
    mayName: new Set(),
    models: undefined,
    allowUnknown: false,
    stripeHeaders: false,
    pools: [],
    metadata: {},
    ...more,
  }
  return { authenticate: () => caller, enter }
}
