/** A server that answers as it is told by each request, and remembers what it was sent. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'

/** What the server answers with. */
export interface Script {
  readonly status: number
  readonly type: string | undefined
  readonly body: Buffer
  readonly pieces: number
  readonly encoding: 'gzip' | 'br' | undefined
  readonly end: 'whole' | 'cut' | 'short'
  readonly redirect: boolean
}

/** By the name that a request has in its query. */
export const scripts = new Map<string, Script>()

/** What was sent to it, without what differs from one time to the next. */
export const seen: object[] = []

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url as string, origin())
  const script = scripts.get(url.searchParams.get('script') as string) as Script
  const pieces: Buffer[] = []
  try {
    for await (const piece of request) pieces.push(piece as Buffer)
  } catch {
    return
  }
  const { host: _, connection: _connection, ...headers } = request.headers
  const plain = (text: string) => text.replaceAll(/-+formdata-undici-\d+/g, 'BOUNDARY')
  seen.push({
    method: request.method,
    path: url.pathname,
    headers: { ...headers, 'content-type': plain(headers['content-type'] ?? '') },
    body: plain(Buffer.concat(pieces).toString('latin1')),
  })
  if (script.redirect && !url.searchParams.has('moved')) {
    response.writeHead(307, { location: `${request.url}&moved=1`, date: 'now' }).end('moved')
    return
  }
  const { body, encoding, end } = script
  const packed =
    encoding === 'gzip' ? gzipSync(body) : encoding === 'br' ? brotliCompressSync(body) : body
  const size = Math.max(1, Math.ceil(packed.length / script.pieces))
  const own = {
    ...(script.type === undefined ? {} : { 'content-type': script.type }),
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    ...(end === 'short' ? { 'content-length': String(packed.length + 7) } : {}),
    'x-own': 'a, b',
    date: 'now',
  }
  response.writeHead(script.status, own)
  response.flushHeaders()
  for (let at = 0; at < packed.length; at += size) {
    response.write(packed.subarray(at, at + size))
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (end === 'whole') response.end()
  else {
    // What was written is to be read first.
    await new Promise((resolve) => setTimeout(resolve, 15))
    response.destroy()
  }
}

const server = createServer((request, response) => void serve(request, response))

export async function listen(): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
}

export function origin(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function close(): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
