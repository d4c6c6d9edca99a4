import {
  isOfGateway,
  type CallObserver,
  type ClientOptions,
  contextCustomer,
  type Customer,
  type Meter,
  providerName,
  RefusedSession,
  runWithCustomer,
  TokenEstimate,
  ToldOnce,
} from '@token-meter/core/adapter'
import { jsonObject } from '@token-meter/core/wire'
import { SocketAccount, type SocketObserver, type SocketReader } from '../wire/realtime/account.ts'
import { openSocket } from '../wire/realtime/open-socket.ts'

/**
 * A WebSocket of the `openai` package by its shape, of any supported SDK major:
 * `OpenAIRealtimeWS`, `OpenAIRealtimeWebSocket`, `ResponsesWS`, `LiveWS` and their likes. A bare
 * WebSocket is none: its `url` is text, and it has no `event` event.
 */
export interface OpenAISocket {
  url: URL
  socket: object
  on(event: never, listener: never): unknown
  send(event: never): void
}

/** True for what has the shape of one of the SDK's sockets. */
export function isOpenAISocket(client: object): client is OpenAISocket {
  const { url, on, send } = client as Partial<OpenAISocket>
  return typeof on === 'function' && typeof send === 'function' && typeof url?.href === 'string'
}

/** What the copies of this package share: who pays for each socket that one of them listens to. */
export interface Observed {
  account: SocketAccount
}

const key = Symbol.for('token-meter.openai-sockets')
const shared = globalThis as { [key]?: WeakMap<object, Observed> }
const sockets = (): WeakMap<object, Observed> => (shared[key] ??= new WeakMap())

/** A socket is listened to: whoever meters it again, or the SDK's object around it, changes its payer. */
export function shareSocket(socket: object, observed: Observed): void {
  sockets().set(socket, observed)
}

/** What was reported as not metered, by whatever socket of the process. */
export const reported = new ToldOnce()

/**
 * Listens to a socket of the SDK. A socket that is listened to already only changes hands: whoever
 * was named last pays for what begins from then on.
 */
export function observeSocket(
  socket: OpenAISocket,
  observer: CallObserver,
  options: ClientOptions,
): void {
  // Of a socket nobody sees how its request was answered.
  if (isOfGateway(socket.url.href)) return
  const provider = options.provider ?? providerName(socket.url.href, vendorOf(socket.url))
  const account = new SocketAccount(socket.url, inThisContext(observer, socket), provider)
  // The WebSocket inside may have been made by a metered class.
  const known = sockets().get(socket) ?? sockets().get(socket.socket)
  if (known !== undefined) {
    known.account = account
    return
  }
  const observed: Observed = { account }
  const reader = openSocket(socket.url, () => observed.account)
  if ('unmetered' in reader) {
    if (reported.isNews(reader.unmetered)) account.fault(reader.unmetered)
    return
  }
  shareSocket(socket, observed)
  listen(socket, observed, reader)
}

/** Events arrive in the context of the connection, which may be anyone's: the one around here is meant. */
function inThisContext(observer: CallObserver, socket: OpenAISocket): SocketObserver {
  const context = contextCustomer()
  const { begin, ...rest } = socketObserver(observer, (code, reason) =>
    (socket as ClosableSocket).close?.({ code, reason }),
  )
  if (context === undefined) return { begin, ...rest }
  return { ...rest, begin: (...call) => runWithCustomer(context, () => begin(...call)) }
}

interface ClosableSocket extends OpenAISocket {
  close?(how: { readonly code: number; readonly reason: string }): void
}

/**
 * What of a socket is told to the meter. It cannot refuse what is under way: where a guard would, the socket
 * is closed, which ends that, and whatever came after it.
 */
export function socketObserver(
  observer: CallObserver,
  close: (code: number, reason: string) => void,
): SocketObserver {
  const session = new RefusedSession((what, cause) => observer.fault(what, cause), close)
  return {
    begin(call, endpoint) {
      const observed = observer.begin(call, endpoint, { free: true })
      observed.ask()
      return session.watch(observed)
    },
    tokensOf(value) {
      const estimate = new TokenEstimate()
      estimate.addStrings(value)
      return estimate.tokens
    },
    fault: (what, cause) => observer.fault(what, cause),
  }
}

/** Who serves a socket whose host says nothing: Azure's URLs have its version. */
export function vendorOf(url: URL): string {
  return url.searchParams.has('api-version') ? 'azure' : 'openai'
}

/**
 * Never to `error`: the SDK rejects or throws what nobody listens for, which must stay so.
 */
function listen(socket: OpenAISocket, observed: Observed, reader: SocketReader): void {
  const guarded =
    (work: (event: unknown) => void) =>
    (event: unknown): void => {
      try {
        work(event)
      } catch (cause) {
        observed.account.fault('an event of a socket could not be observed', cause)
      }
    }
  const lost = guarded(() => reader.lost())
  const on = socket.on.bind(socket) as (event: string, listener: (event: unknown) => void) => void
  on(
    'event',
    guarded((event) => reader.see(jsonObject(event))),
  )
  // Of sockets that reconnect; the others leave it to the WebSocket inside.
  on('reconnecting', lost)
  on('close', lost)
  const inside = socket.socket as Partial<Pick<WebSocket, 'addEventListener'>> | undefined
  inside?.addEventListener?.('close', lost)
}

/** Options of one metered socket. */
export interface MeterRealtimeOptions extends ClientOptions {
  /**
   * Who records: a meter of `createMeter({ providers: [openaiProvider] })`.
   * @default the one that the environment configures
   */
  readonly meter?: Meter<OpenAISocket>
}

/** Meters a socket of the SDK and returns the same one. */
export type MeterRealtime = <Socket extends OpenAISocket>(
  rt: Socket,
  customer: Customer,
  options?: MeterRealtimeOptions,
) => Socket

/** `meterRealtime`, with the meter that records where the options name none. */
export function meterRealtimeWith(fallback: Meter<OpenAISocket>): MeterRealtime {
  return (rt, customer, { meter = fallback, ...options } = {}) => {
    if (typeof rt === 'object' && rt !== null && isOpenAISocket(rt)) {
      return meter(rt, customer, options)
    }
    throw new TypeError(
      'meterRealtime() expected a socket of the openai package: OpenAIRealtimeWS, ' +
        'OpenAIRealtimeWebSocket, ResponsesWS or LiveWS (not the WebSocket inside it, nor a ' +
        'client: for a client use meter()).',
    )
  }
}
