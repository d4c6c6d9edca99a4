/** HTTP over bare sockets: what goes over the wire, byte for byte, in both directions. */
import { connect, createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

type Pair = readonly [name: string, value: string]

/** A message as it came. */
export interface RawMessage {
  /** The request line, or the status line. */
  readonly first: string
  /** In the order, case and number in which they came. */
  readonly headers: readonly Pair[]
  /** Without its chunks. */
  readonly body: Buffer
  readonly trailers: readonly Pair[]
  /** The end of the body has come, and not only the end of the connection. */
  readonly isWhole: boolean
  /** How many bytes of the wire it takes. */
  readonly length: number
}

/** The first message in what came; `undefined` while its head is not there. */
export function readMessage(wire: Buffer, isBodyless = false): RawMessage | undefined {
  const headEnd = wire.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [first = '', ...lines] = wire.toString('latin1', 0, headEnd).split('\r\n')
  const headers = lines.map(pairOf)
  const start = headEnd + 4
  const valueOf = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1]
  const nothing = { first, headers, trailers: [], body: Buffer.alloc(0), isWhole: true }
  const isInterim = /^HTTP\/1\.1 1\d\d/.test(first)
  if (isBodyless || isInterim) return { ...nothing, length: start }
  const size = valueOf('content-length')
  if (size !== undefined) {
    const body = wire.subarray(start, start + Number(size))
    const isWhole = body.length === Number(size)
    return { ...nothing, body, isWhole, length: start + body.length }
  }
  if (valueOf('transfer-encoding') === undefined) {
    // A request without a length has no body; an answer's is what comes until the connection ends.
    if (!first.startsWith('HTTP/')) return { ...nothing, length: start }
    return { ...nothing, body: wire.subarray(start), isWhole: false, length: wire.length }
  }
  return { ...nothing, ...chunked(wire, start) }
}

function chunked(wire: Buffer, start: number) {
  const pieces: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = wire.indexOf('\r\n', at)
    const size =
      lineEnd < 0 ? Number.NaN : Number.parseInt(wire.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size)) break
    if (size === 0) {
      const end = wire.indexOf('\r\n\r\n', lineEnd)
      if (end < 0) break
      const lines = wire.toString('latin1', lineEnd + 2, Math.max(end, lineEnd + 2)).split('\r\n')
      const trailers = lines.filter((line) => line !== '').map(pairOf)
      return { body: Buffer.concat(pieces), trailers, isWhole: true, length: end + 4 }
    }
    pieces.push(wire.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
    if (at > wire.length) break
  }
  return { body: Buffer.concat(pieces), trailers: [], isWhole: false, length: wire.length }
}

function pairOf(line: string): Pair {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

/** A server that says what it is told to, as it is told to. */
export interface RawUpstream extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Each request, as it came. */
  readonly requests: RawMessage[]
  /** Connections by now. */
  readonly connections: () => number
}

export type RawReply = (socket: Socket, request: RawMessage, count: number) => unknown

/** @param onHead called as soon as the head of a request is there, before its body. */
export async function startRawUpstream(
  reply: RawReply,
  onHead?: (socket: Socket) => void,
): Promise<RawUpstream> {
  const requests: RawMessage[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    socket.setNoDelay(true)
    let wire: Buffer<ArrayBufferLike> = Buffer.alloc(0)
    let isHeadSeen = false
    socket.on('data', (piece: Buffer) => {
      wire = Buffer.concat([wire, piece])
      const message = readMessage(wire)
      if (message !== undefined && !isHeadSeen) {
        isHeadSeen = true
        onHead?.(socket)
      }
      if (message?.isWhole !== true) return
      wire = wire.subarray(message.length)
      isHeadSeen = false
      requests.push(message)
      reply(socket, message, requests.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What came back for one request. */
export interface RawAnswer extends RawMessage {
  readonly status: number
  readonly interim: readonly RawMessage[]
  /** All that came, also behind the answer. */
  readonly wire: Buffer
}

/**
 * Sends bytes, and reads one answer, to its end or that of the connection.
 * @param isBodyless as the answer to HEAD is.
 */
export async function rawCall(
  port: number,
  request: string | Buffer | ((socket: Socket) => void),
  isBodyless = false,
): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let wire: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  try {
    return await new Promise<RawAnswer>((resolve, reject) => {
      const settle = (isClosed: boolean): void => {
        const interim: RawMessage[] = []
        let rest = wire
        for (;;) {
          const message = readMessage(rest, isBodyless)
          if (message === undefined) {
            if (isClosed) reject(new Error(`no answer: ${JSON.stringify(wire.toString('latin1'))}`))
            return
          }
          const status = Number(/^HTTP\/1\.\d (\d+)/.exec(message.first)?.[1])
          if (status < 200) {
            interim.push(message)
            rest = rest.subarray(message.length)
            continue
          }
          if (message.isWhole || isClosed) resolve({ ...message, status, interim, wire })
          return
        }
      }
      socket.on('data', (piece: Buffer) => {
        wire = Buffer.concat([wire, piece])
        settle(false)
      })
      socket.on('close', () => settle(true)).on('error', () => {})
      if (typeof request === 'function') request(socket)
      else socket.write(request)
    })
  } finally {
    socket.destroy()
  }
}

export interface RawRequestParts {
  readonly method?: string
  readonly path: string
  /** Beside `Host` and `Content-Length`. */
  readonly headers?: readonly Pair[]
  readonly body?: string | Buffer
}

/** A request as its bytes. */
export function rawRequest({ method = 'POST', path, headers = [], body }: RawRequestParts): Buffer {
  const bytes = body === undefined ? undefined : Buffer.from(body as string)
  const all: readonly Pair[] = [
    ['Host', 'gateway.test'],
    ...headers,
    ...(bytes === undefined ? [] : [['Content-Length', String(bytes.length)] as const]),
  ]
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`, 'latin1')
  return bytes === undefined ? head : Buffer.concat([head, bytes])
}

/** An answer as its bytes, in one piece with its length, or in chunks. */
export function rawReply(
  body: Buffer | readonly Buffer[],
  headers: readonly Pair[],
  status = '200 OK',
): Buffer {
  const pieces = Buffer.isBuffer(body) ? undefined : body
  const framing: Pair = Buffer.isBuffer(body)
    ? ['Content-Length', String(body.length)]
    : ['Transfer-Encoding', 'chunked']
  const lines = [...headers, framing].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = Buffer.from(`HTTP/1.1 ${status}\r\n${lines}\r\n`, 'latin1')
  if (pieces === undefined) return Buffer.concat([head, body as Buffer])
  const chunks = pieces
    .filter((piece) => piece.length > 0)
    .map((piece) => Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, crlf]))
  return Buffer.concat([head, ...chunks, Buffer.from('0\r\n\r\n')])
}

const crlf = Buffer.from('\r\n')

/** Of one connection, or the gateway's own: they may differ. */
const framing = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'x-token-meter-request-id',
])

/** What of an answer has to be the same through the gateway. */
export function comparable({ first, headers, body, trailers, isWhole }: RawAnswer) {
  const kept = headers.filter(([name]) => !framing.has(name.toLowerCase()))
  return { first, headers: kept, body: body.toString('latin1'), trailers, isWhole }
}

export function headerOf({ headers }: RawMessage, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1]
}
