/** Opens the socket of an upstream, before that of the caller is accepted. */
import type { IncomingMessage } from 'node:http'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { GatewayRefusal } from '../refusal.ts'
import { openTunnel, portOf, proxyFor } from './proxy-tunnel.ts'

export interface DialOptions {
  /** With `ws:` or `wss:`. */
  readonly url: URL
  /** Names and values by turns, without those of the handshake itself. */
  readonly headers: readonly string[]
  readonly protocols: readonly string[]
  /** How long a connection may take to be made, in ms, and then the answer to come. */
  readonly connectMs: number
  readonly answerMs: number
  readonly maxPayload: number
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal
  /** Called at once with the open socket: what it says is lost where nobody listens. Exactly one of these is called. */
  readonly opened: (socket: WebSocket, answer: IncomingMessage) => void
  /** It answered with something else than a socket. */
  readonly refused: (answer: IncomingMessage) => void
  readonly failed: (refusal: GatewayRefusal) => void
}

/** Never throws, and never rejects. */
export async function dialUpstream(options: DialOptions): Promise<void> {
  const { url, connectMs, answerMs, signal } = options
  const late = new AbortController()
  const isGone = AbortSignal.any([signal, late.signal])
  let timer = setTimeout(() => late.abort(), connectMs)
  let isDone = false
  const done = (tell: () => void): void => {
    if (isDone) return
    isDone = true
    clearTimeout(timer)
    tell()
  }
  const fail = (cause: unknown) =>
    done(() => options.failed(late.signal.aborted ? tooLate(cause) : unreachable(cause)))
  const isConnected = (): void => {
    clearTimeout(timer)
    if (!isDone) timer = setTimeout(() => late.abort(), answerMs)
  }
  try {
    const proxy = proxyFor(url)
    const tunnel = proxy && (await openTunnel(proxy, url, isGone))
    const socket = connected(url, tunnel)
    socket.once(url.protocol === 'wss:' ? 'secureConnect' : 'connect', isConnected)
    if (tunnel !== undefined && url.protocol === 'ws:') isConnected()
    const upstream = openOn(socket, options)
    isGone.addEventListener('abort', () => {
      if (!isDone) upstream.terminate()
    })
    let answer: IncomingMessage | undefined
    upstream.once('upgrade', (response) => (answer = response))
    upstream.once('open', () => done(() => options.opened(upstream, answer as IncomingMessage)))
    upstream.once('unexpected-response', (_, response) => done(() => options.refused(response)))
    upstream.on('error', fail)
    upstream.once('close', () => fail(new Error('the connection was closed')))
    if (isGone.aborted) upstream.terminate()
  } catch (cause) {
    fail(cause)
  }
}

function connected(url: URL, tunnel: Socket | undefined): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(portOf(url))
  if (url.protocol === 'ws:') return tunnel ?? connectPlain({ host, port })
  const servername = isIP(host) === 0 ? host : ''
  const whereto = tunnel === undefined ? { host, port } : { host, socket: tunnel }
  return connectTls({ ...whereto, servername, ALPNProtocols: ['http/1.1'] })
}

function openOn(socket: Socket, { url, headers, protocols, maxPayload }: DialOptions): WebSocket {
  // A peer that is gone without a word is found by the system; the pings are those of the two ends.
  socket.setKeepAlive(true, 60_000).setNoDelay(true)
  return new WebSocket(url, [...protocols], {
    headers: asFields(headers),
    createConnection: () => socket,
    followRedirects: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload,
  })
}

/** As Node takes them: several of a name are a list. */
function asFields(raw: readonly string[]): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {}
  const names = new Map<string, string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [written, value] = [raw[index] as string, raw[index + 1] as string]
    const name = names.get(written.toLowerCase()) ?? written
    names.set(name.toLowerCase(), name)
    const before = fields[name]
    fields[name] = before === undefined ? value : [before, value].flat()
  }
  return fields
}

function unreachable(cause: unknown): GatewayRefusal {
  return new GatewayRefusal(502, 'upstream_failed', 'the upstream could not be reached', { cause })
}

function tooLate(cause: unknown): GatewayRefusal {
  return new GatewayRefusal(504, 'upstream_timeout', 'the upstream did not answer in time', {
    cause,
  })
}
