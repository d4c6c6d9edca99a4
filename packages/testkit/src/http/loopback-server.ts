import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A real HTTP server on this machine. */
export interface LoopbackServer extends AsyncDisposable {
  /** Without a slash at the end: `http://127.0.0.1:40123`. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Cuts every connection and stops listening. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Starts a server that answers every request with `handle`; what it throws becomes a 500.
 * @param wantedPort 0: any that is free.
 * @throws the system's error, such as `EADDRINUSE`, where it cannot listen.
 */
export async function startLoopbackServer(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  wantedPort = 0,
): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy()
      response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
    })
  })
  const host = '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(wantedPort, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  let closing: Promise<void> | undefined
  const close = () =>
    (closing ??= new Promise((resolve) => {
      server.close(() => resolve())
      // Clients keep idle connections alive, and hung answers never end by themselves.
      server.closeAllConnections()
    }))
  return { url: `http://${host}:${port}`, host, port, close, [Symbol.asyncDispose]: close }
}
