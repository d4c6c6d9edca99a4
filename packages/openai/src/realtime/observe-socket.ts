import type { CallObserver, ClientOptions } from '@token-meter/core/adapter'
import { jsonObject } from '@token-meter/core/wire'
import { LiveReader } from './live-reader.ts'
import type { OpenAISocket } from './openai-socket.ts'
import { RealtimeReader } from './realtime-reader.ts'
import { ResponsesReader } from './responses-reader.ts'
import { SocketAccount } from './socket-account.ts'
import type { SocketReader } from './socket-reader.ts'

/** What the copies of this package share: who pays for each socket that one of them listens to. */
interface Observed {
  account: SocketAccount
}

const key = Symbol.for('token-meter.openai-sockets')
const shared = globalThis as { [key]?: WeakMap<object, Observed> }
const sockets = (): WeakMap<object, Observed> => (shared[key] ??= new WeakMap())

let saidOfTranslations = false

/**
 * Listens to a socket of the SDK. A socket that is listened to already only changes hands: whoever
 * was named last pays for what begins from then on.
 */
export function observeSocket(
  socket: OpenAISocket,
  observer: CallObserver,
  options: ClientOptions,
): void {
  const account = new SocketAccount(socket, observer, options)
  const known = sockets().get(socket)
  if (known !== undefined) {
    known.account = account
    return
  }
  const path = socket.url.pathname.replace(/\/+$/, '')
  if (path.endsWith('/realtime/translations')) {
    if (!saidOfTranslations) {
      saidOfTranslations = true
      account.fault('translation sessions work, but report no usage: record() their minutes')
    }
    return
  }
  const observed: Observed = { account }
  sockets().set(socket, observed)
  listen(
    socket,
    observed,
    readerOf(path, () => observed.account),
  )
}

function readerOf(path: string, account: () => SocketAccount): SocketReader {
  if (path.endsWith('/responses')) return new ResponsesReader(account)
  return path.includes('/live/sessions') ? new LiveReader(account) : new RealtimeReader(account)
}

/**
 * Never to `error`: the SDK rejects or throws what nobody listens for, and it shall go on doing so.
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
