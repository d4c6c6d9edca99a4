import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createServer as createHttp2,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { frame } from './event-frames.ts'

/** What one request gets. */
export interface BedrockReply {
  /** A whole body, as JSON. */
  readonly json?: unknown
  /** A stream of frames. */
  readonly events?: readonly Readonly<Record<string, unknown>>[]
  readonly headers?: Readonly<Record<string, string>>
  /** @default 200 */
  readonly status?: number
  /** What becomes of the stream after its events. @default 'end' */
  readonly after?: 'end' | 'cut' | 'hang'
  /** Called when the events are written. */
  readonly written?: () => void
}

/** A request as it came. */
export interface SeenRequest {
  readonly method: string
  /** With the query, as it was written. */
  readonly url: string
  readonly httpVersion: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** Resolves when its answer is over, or its connection gone. */
  readonly closed: Promise<void>
}

/** Bedrock on this machine, by HTTP/2 as AWS has it, or by HTTP/1. */
export interface BedrockServer extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly SeenRequest[]
  /** Queues replies, for one request each. */
  serve(...replies: readonly BedrockReply[]): void
  /** Cuts every connection. */
  cut(): void
}

type Incoming = IncomingMessage | Http2ServerRequest
type Outgoing = ServerResponse | Http2ServerResponse

export async function startBedrock(version: 1 | 2 = 2): Promise<BedrockServer> {
  const requests: SeenRequest[] = []
  const queue: BedrockReply[] = []
  const sessions = new Set<{ destroy(): void }>()
  const answer = async (request: Incoming, response: Outgoing) => {
    const closed = new Promise<void>((resolve) => void response.once('close', () => resolve()))
    const pieces: Buffer[] = []
    // A conversation goes on while it is answered.
    const isOpen = request.url?.endsWith('bidirectional-stream') === true
    if (isOpen) request.on('data', (piece: Buffer) => void pieces.push(piece))
    else for await (const piece of request) pieces.push(piece as Buffer)
    requests.push({
      method: String(request.method),
      url: String(request.url),
      httpVersion: request.httpVersion,
      headers: request.headers,
      body: Buffer.concat(pieces).toString(),
      closed,
    })
    send(
      response as ServerResponse,
      queue.shift() ?? { status: 404, json: { message: 'nothing queued' } },
    )
  }
  const handle = (request: Incoming, response: Outgoing) =>
    void answer(request, response).catch(() => {})
  const server = version === 2 ? createHttp2(handle) : createHttp1(handle)
  server.on('session', (session: { destroy(): void }) => void sessions.add(session))
  server.on('connection', (socket: { destroy(): void }) => void sessions.add(socket))
  const cut = () => {
    for (const session of sessions) session.destroy()
  }
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    serve: (...replies) => void queue.push(...replies),
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function send(response: ServerResponse, reply: BedrockReply): void {
  const { json, events, headers, status = 200, after = 'end', written } = reply
  const contentType = events ? 'application/vnd.amazon.eventstream' : 'application/json'
  response.writeHead(status, {
    'content-type': contentType,
    'x-amzn-requestid': 'aws-request-1',
    ...headers,
  })
  if (events === undefined) {
    // Bytes are a body as they are.
    response.end(json instanceof Uint8Array ? json : JSON.stringify(json))
    return
  }
  for (const event of events) response.write(frame(event))
  if (after === 'end') response.end()
  else if (after === 'cut') response.write('', () => cutAnswer(response))
  written?.()
}

function cutAnswer(response: ServerResponse): void {
  const { stream } = response as unknown as { stream?: { session?: { destroy(): void } } }
  if (stream?.session) stream.session.destroy()
  else response.destroy()
}
