/**
 * A gateway as a server, from its start to its end:
 *
 *     listening ── close() ──> leaving    not ready any more; whoever balances the load has `readinessDelayMs` to see it
 *                              draining   no new connections, no new requests; what is under way has the rest of
 *                                         `drainMs` to end, and is settled as it is then
 *                              closed
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Duplex } from 'node:stream'
import { checkKeys, ConfigError, isText, optionCheck } from '@token-meter/core/outbox'

/** Where a gateway listens, and how it stops. */
export interface ListenOptions {
  /** 0: any that is free. @default 4100 */
  readonly port?: number | undefined
  /**
   * The address. Others than loopback need the gateway to have an `adminKey`, without which it takes any
   * key. @default '127.0.0.1'
   */
  readonly host?: string | undefined
  /** How long `close()` waits at the most for what is under way, in ms. @default 25000 */
  readonly drainMs?: number | undefined
  /**
   * How long it goes on taking requests after `/health/ready` has said no, in ms, so that whoever
   * balances the load sees it first. Part of `drainMs`. @default 2000; 0 on loopback
   */
  readonly readinessDelayMs?: number | undefined
}

/** A gateway that listens. */
export interface ListeningGateway extends AsyncDisposable {
  /** `http://127.0.0.1:4100`: the base URL, without the gateway's `basePath`. */
  readonly url: string
  readonly server: Server
  /**
   * Stops: not ready, no new requests, and what is under way ends or is settled as it is after `drainMs`.
   * Never rejects. The meter is the application's, and is closed by it afterwards.
   */
  close(): Promise<void>
}

/** What is to listen. */
export interface Listened {
  handle(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** `/health/ready` says no from now on. */
  turnOff(): void
  /** Takes no new requests, and resolves when none is under way, or those that are were broken off. */
  close(options: { readonly timeoutMs: number }): Promise<void>
  /** It takes any key, or none. */
  readonly isOpen: boolean
}

const known: Readonly<Record<keyof ListenOptions, true>> = {
  port: true,
  host: true,
  drainMs: true,
  readinessDelayMs: true,
}

/** Load balancers keep theirs for 60 s: whoever closes first must not be us. */
const keepAliveTimeoutMs = 75_000
/** Until the last header; no limit is set to what comes after it: images and histories take their time. */
const headersTimeoutMs = 60_000
const maxHeaderBytes = 64 * 1024

const isPort = (value: unknown) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535
const isMs = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 2 ** 31 - 1

/**
 * What asks for HTTP/2 by the way, as clients in Java do, is a request like any other. By Node 24.9 and later;
 * before, it is refused as a socket that is none.
 */
const onlyWebSockets: object = {
  shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
    /^\s*websocket\s*$/i.test(headers.upgrade ?? ''),
}

/**
 * @throws ConfigError for a wrong option, and for an address beyond loopback of a gateway without an admin
 * key; what Node says where the address cannot be had.
 */
export async function listen(
  gateway: Listened,
  options: ListenOptions = {},
): Promise<ListeningGateway> {
  checkKeys<ListenOptions>('listen', options, known)
  const check = optionCheck('listen')
  const { port = 4100, host = '127.0.0.1', drainMs = 25_000 } = options
  check('port', port, 'a whole number from 0 to 65535', isPort)
  check('host', host, 'an address, such as "127.0.0.1"', isText)
  const { readinessDelayMs = isLoopback(host) ? 0 : 2000 } = options
  check('drainMs', drainMs, 'a number of ms from 0 up', isMs)
  check('readinessDelayMs', readinessDelayMs, 'a number of ms from 0 up', isMs)
  if (gateway.isOpen && !isLoopback(host)) {
    throw new ConfigError(
      `listen: without an adminKey the gateway takes any key, and must not be reached from other machines: ` +
        `give it one, or listen on 127.0.0.1 (host is ${host})`,
    )
  }
  const server = createServer({
    keepAlive: true,
    keepAliveTimeout: keepAliveTimeoutMs,
    headersTimeout: headersTimeoutMs,
    requestTimeout: 0,
    maxHeaderSize: maxHeaderBytes,
    ...onlyWebSockets,
  })
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    gateway.handle(request, response)
  server.on('request', handle)
  // The gateway itself says when the body may come; what else is expected is not looked at.
  server.on('checkContinue', handle)
  server.on('checkExpectation', handle)
  server.on('upgrade', (request, socket, head) => gateway.upgrade(request, socket, head))
  server.on('connect', (_, socket) => refuseRaw(socket, 400, 'CONNECT is not for this server'))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else if (error.code === 'HPE_HEADER_OVERFLOW')
      refuseRaw(socket, 431, 'too many bytes of headers')
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      refuseRaw(socket, 408, 'the head took too long')
    else refuseRaw(socket, 400, 'this is no HTTP request')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  let closing: Promise<void> | undefined
  const close = () => (closing ??= drain(server, gateway, { drainMs, readinessDelayMs }))
  return { url: urlOf(server), server, close, [Symbol.asyncDispose]: close }
}

/** How often connections without a request are looked for, in ms. */
const idleMs = 50

async function drain(
  server: Server,
  gateway: Listened,
  { drainMs, readinessDelayMs }: { readonly drainMs: number; readonly readinessDelayMs: number },
): Promise<void> {
  const deadline = performance.now() + drainMs
  gateway.turnOff()
  if (readinessDelayMs > 0) await sleep(Math.min(readinessDelayMs, drainMs))
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // One whose request has ended by now would stay open for as long as it is kept alive.
  const idle = setInterval(() => server.closeIdleConnections(), idleMs)
  try {
    await gateway.close({ timeoutMs: Math.max(0, deadline - performance.now()) })
  } catch {
    // What could not be ended is broken off below.
  }
  server.closeIdleConnections()
  await Promise.race([closed, sleep(Math.min(idleMs, Math.max(0, deadline - performance.now())))])
  server.closeAllConnections()
  clearInterval(idle)
  await closed
}

/** Whether nobody but this machine reaches it. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?|\[?::ffff:127(\.\d{1,3}){3}\]?)$/i.test(host)
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** To whom there is no request that could be answered. */
function refuseRaw(socket: Duplex, status: number, why: string): void {
  const body = JSON.stringify({ error: { message: why, type: 'invalid_request_error' } })
  socket.on('error', () => {})
  socket.end(
    `HTTP/1.1 ${status} ${reasons[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
