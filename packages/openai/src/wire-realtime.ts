/**
 * Readers of OpenAI's WebSockets (realtime, Live, Responses), without the SDK or a meter: for proxies
 * that pass their events on.
 * @module
 */
export {
  SocketAccount,
  type SocketCall,
  type SocketEvent,
  type SocketObserver,
  type SocketReader,
} from './wire/realtime/account.ts'
export { askedBy, type AskedCall } from './wire/realtime/asked.ts'
export { openSocket } from './wire/realtime/open-socket.ts'
