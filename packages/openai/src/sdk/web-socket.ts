import {
  type CallObserver,
  type ClientOptions,
  contextCustomer,
  type Customer,
  type Meter,
  providerName,
  runWithCustomer,
} from '@token-meter/core/adapter'
import { jsonObject } from '@token-meter/core/wire'
import { SocketAccount } from '../wire/realtime/account.ts'
import { openSocket } from '../wire/realtime/open-socket.ts'
import {
  type MeterRealtimeOptions,
  type OpenAISocket,
  isNewReport,
  shareSocket,
  socketObserver,
  vendorOf,
} from './realtime-socket.ts'

/** Any class of WebSockets with the browser's methods: the global one, or that of `ws`. */
export type WebSocketClass = new (...args: never[]) => object

/** Options of a metered class of WebSockets. */
export interface MeterWebSocketOptions<Class extends WebSocketClass> extends MeterRealtimeOptions {
  /**
   * What connects.
   * @default the global `WebSocket`, as it is at the time of `meterWebSocket()`
   */
  readonly webSocket?: Class
}

/** Returns the class, with its connections to models metered. */
export type MeterWebSocket = <Class extends WebSocketClass = typeof WebSocket>(
  customer: Customer,
  options?: MeterWebSocketOptions<Class>,
) => Class

// The same in every copy of this package.
const mark = Symbol.for('token-meter.metered-web-socket')

/** True where what opens a socket by the global class is metered. */
export function isGlobalSocketMetered(): boolean {
  const { WebSocket: Global } = globalThis as { WebSocket?: object }
  return Global !== undefined && mark in Global
}

/** `meterWebSocket`, with the meter that records where the options name none. */
export function meterWebSocketWith(fallback: Meter<OpenAISocket>): MeterWebSocket {
  return <Class extends WebSocketClass>(
    customer: Customer,
    options: MeterWebSocketOptions<Class> = {},
  ): Class => {
    const { meter = fallback, webSocket: Given, ...clientOptions } = options
    const Raw = (Given ?? (globalThis as { WebSocket?: unknown }).WebSocket) as Class | undefined
    if (typeof Raw !== 'function') {
      throw new TypeError(
        'meterWebSocket() found no WebSocket class: this runtime has no global one. Give it ' +
          "that of a package: meterWebSocket(customer, { webSocket: (await import('ws')).WebSocket })",
      )
    }
    const connect = (connection: Connection) => void meter(connection, customer, clientOptions)
    // Wrong options throw here, and not where something connects.
    connect(new Connection(undefined))
    return new Proxy(Raw, {
      construct(target, args, newTarget) {
        const socket = Reflect.construct(target, args, newTarget) as WebSocket
        const url = modelUrl(socket)
        if (url !== undefined) connect(new Connection({ socket, url }))
        return socket
      },
      has: (target, property) => property === mark || Reflect.has(target, property),
    })
  }
}

/** Paths of sockets that say what a model used; of other hosts, such events never come. */
const modelPath = /\/(?:responses|realtime|realtime\/translations|live\/sessions(?:\/.*)?)\/*$/

function modelUrl({ url }: { url?: unknown }): URL | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined
  const parsed = new URL(url)
  return modelPath.test(parsed.pathname) ? parsed : undefined
}

/** A bare WebSocket, in the shape of the SDK's sockets, which is what a meter takes. */
export class Connection implements OpenAISocket {
  readonly url: URL
  readonly socket: object
  readonly #open: WebSocket | undefined

  /** @param open nothing to connect to, where only the options are to be checked. */
  constructor(open: { readonly socket: WebSocket; readonly url: URL } | undefined) {
    this.url = open?.url ?? new URL('wss://api.openai.com/v1/responses')
    this.socket = open?.socket ?? {}
    this.#open = open?.socket
  }

  on(): void {}
  send(): void {}

  /**
   * Listens to the connection. It may be shared: what a response costs is paid by whoever the context
   * named in which it was asked for, that is in which the latest event of its lane was sent.
   */
  observe(observer: CallObserver, options: ClientOptions): void {
    const socket = this.#open
    if (socket === undefined) return
    try {
      this.#listen(socket, observer, options)
    } catch (cause) {
      observer.fault('a WebSocket could not be observed', cause)
    }
  }

  #listen(socket: WebSocket, observer: CallObserver, options: ClientOptions): void {
    const provider = options.provider ?? providerName(this.url.href, vendorOf(this.url))
    const observed = { account: new SocketAccount(this.url, socketObserver(observer), provider) }
    const reader = openSocket(this.url, () => observed.account)
    if ('unmetered' in reader) {
      if (isNewReport(reader.unmetered)) observer.fault(reader.unmetered)
      return
    }
    shareSocket(socket, observed)
    const askedBy = new Map<unknown, string | undefined>()
    const guarded = (work: () => void): void => {
      try {
        work()
      } catch (cause) {
        observer.fault('an event of a WebSocket could not be observed', cause)
      }
    }
    const opener = contextCustomer()

    const send: unknown = socket.send
    Object.defineProperty(socket, 'send', {
      value(this: WebSocket, ...args: unknown[]): unknown {
        guarded(() => askedBy.set(laneOf(args[0]), contextCustomer()))
        return Reflect.apply(send as (...args: unknown[]) => unknown, this, args)
      },
      configurable: true,
      writable: true,
    })
    socket.addEventListener('message', ({ data }) =>
      guarded(() => {
        const event = jsonObject(parsed(data))
        const lane = event['stream_id'] ?? null
        const asker = askedBy.has(lane) ? askedBy.get(lane) : (askedBy.get(null) ?? opener)
        runWithCustomer(asker, () => reader.see(event))
      }),
    )
    socket.addEventListener('close', () => guarded(() => reader.lost()))
  }
}

/** The lane that an event of the caller's is for. Parsed only where it names one. */
function laneOf(sent: unknown): unknown {
  if (typeof sent !== 'string' || !sent.includes('"stream_id"')) return null
  return jsonObject(parsed(sent))['stream_id'] ?? null
}

function parsed(data: unknown): unknown {
  const text = typeof data === 'string' ? data : decoded(data)
  return text === undefined ? undefined : JSON.parse(text)
}

function decoded(data: unknown): string | undefined {
  const isBytes = data instanceof ArrayBuffer || ArrayBuffer.isView(data)
  return isBytes ? new TextDecoder().decode(data) : undefined
}
