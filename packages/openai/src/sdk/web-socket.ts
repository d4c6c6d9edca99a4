import {
  isOfGateway,
  type CallObserver,
  type ClientOptions,
  contextCustomer,
  type Customer,
  type Meter,
  providerName,
  runWithCustomer,
} from '@token-meter/core/adapter'
import { jsonObject, parsedJson } from '@token-meter/core/wire'
import { SocketAccount, type SocketEvent } from '../wire/realtime/account.ts'
import { openSocket } from '../wire/realtime/open-socket.ts'
import {
  type MeterRealtimeOptions,
  type OpenAISocket,
  reported,
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

/** The class inside a metered one; `undefined` of any other. */
function insideOf(metered: unknown): unknown {
  return (metered as { [mark]?: unknown } | undefined)?.[mark]
}

/** True where what opens a socket by the global class is metered. */
export function isGlobalSocketMetered(): boolean {
  return insideOf((globalThis as { WebSocket?: unknown }).WebSocket) !== undefined
}

/** `meterWebSocket`, with the meter that records where the options name none. */
export function meterWebSocketWith(fallback: Meter<OpenAISocket>): MeterWebSocket {
  return <Class extends WebSocketClass>(
    customer: Customer,
    options: MeterWebSocketOptions<Class> = {},
  ): Class => {
    const { meter = fallback, webSocket: Given, ...clientOptions } = options
    const given = Given ?? (globalThis as { WebSocket?: unknown }).WebSocket
    // Metered again it is metered once, for whoever is named last.
    const Raw = (insideOf(given) ?? given) as Class | undefined
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
      get: (target, property, receiver) =>
        property === mark ? target : (Reflect.get(target, property, receiver) as unknown),
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
    if (socket === undefined || isOfGateway(this.url.href)) return
    try {
      this.#listen(socket, observer, options)
    } catch (cause) {
      observer.fault('a WebSocket could not be observed', cause)
    }
  }

  #listen(socket: WebSocket, observer: CallObserver, options: ClientOptions): void {
    const provider = options.provider ?? providerName(this.url.href, vendorOf(this.url))
    const told = socketObserver(observer, (code, reason) => socket.close(code, reason))
    const observed = { account: new SocketAccount(this.url, told, provider) }
    const reader = openSocket(this.url, () => observed.account)
    if ('unmetered' in reader) {
      if (reported.isNews(reader.unmetered)) observer.fault(reader.unmetered)
      return
    }
    shareSocket(socket, observed)
    const latest = new Map<unknown, Asked>()
    const guarded = (work: () => void): void => {
      try {
        work()
      } catch (cause) {
        observer.fault('an event of a WebSocket could not be observed', cause)
      }
    }
    const opener: Asked = { customer: contextCustomer() }
    const note = (sent: unknown): void => {
      const lane = laneOf(sent)
      latest.delete(lane)
      latest.set(lane, asked(sent))
      if (latest.size > mostLanes) latest.delete(latest.keys().next().value)
    }

    const send: unknown = socket.send
    Object.defineProperty(socket, 'send', {
      value(this: WebSocket, ...args: unknown[]): unknown {
        guarded(() => note(args[0]))
        return Reflect.apply(send as (...args: unknown[]) => unknown, this, args)
      },
      configurable: true,
      writable: true,
    })
    socket.addEventListener('message', ({ data }) =>
      guarded(() => {
        const event: SocketEvent = jsonObject(parsed(data))
        const lane = event.stream_id ?? null
        const by = latest.get(lane) ?? latest.get(null) ?? opener
        const seen = event.type === 'response.created' ? withInput(event, by.request) : event
        if (seen !== event || event.type === 'error') delete by.request
        runWithCustomer(by.customer, () => reader.see(seen))
      }),
    )
    socket.addEventListener('close', () => guarded(() => reader.lost()))
  }
}

/** Lanes of one connection that are remembered; more are not used at a time. */
const mostLanes = 1000

/** Who sent the latest event of a lane, and what, until its response has begun. */
interface Asked {
  readonly customer: string | undefined
  request?: string
}

function asked(sent: unknown): Asked {
  const customer = contextCustomer()
  const isRequest = typeof sent === 'string' && sent.includes('response.create')
  return isRequest ? { customer, request: sent } : { customer }
}

/** A response that has begun, with the input that it was asked for, should that have to be estimated. */
function withInput(event: SocketEvent, request: string | undefined): SocketEvent {
  if (request === undefined) return event
  const { input } = jsonObject(parsed(request))
  return { ...event, response: { ...jsonObject(event.response), input } }
}

/** The lane that an event of the caller's is for. Parsed only where it names one. */
function laneOf(sent: unknown): unknown {
  if (typeof sent !== 'string' || !sent.includes('"stream_id"')) return null
  return jsonObject(parsed(sent)).stream_id ?? null
}

/** What is no JSON is no event: paths of other services end alike. */
function parsed(data: unknown): unknown {
  const text = typeof data === 'string' ? data : decoded(data)
  return text === undefined ? undefined : parsedJson(text)
}

function decoded(data: unknown): string | undefined {
  const isBytes = data instanceof ArrayBuffer || ArrayBuffer.isView(data)
  return isBytes ? new TextDecoder().decode(data) : undefined
}
