import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'

/** A WebSocket server on loopback that answers each event of a client as it was told. */
export interface SocketServer extends AsyncDisposable {
  /** `http:`, as clients want it. */
  readonly baseURL: string
  readonly wsURL: string
  /** Events of the clients, with the number of their connection. */
  readonly received: { readonly connection: number; readonly event: ClientEvent }[]
  connections: number
  /** Connections that nobody has closed. */
  open(): number
  /** Hangs up on everybody. */
  cut(): void
}

export interface ClientEvent {
  readonly type?: string
  readonly [field: string]: unknown
}

/** What an event is answered by; `undefined` where it hangs up. */
export type Answer = (event: ClientEvent) => readonly object[]

export async function startSocketServer(answer: Answer): Promise<SocketServer> {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(sockets, 'listening')
  const { port } = sockets.address() as AddressInfo
  const open = new Set<WebSocket>()
  const server: SocketServer = {
    baseURL: `http://127.0.0.1:${port}/v1`,
    wsURL: `ws://127.0.0.1:${port}/v1`,
    received: [],
    connections: 0,
    open: () => open.size,
    cut: () => open.forEach((socket) => socket.terminate()),
    async [Symbol.asyncDispose]() {
      server.cut()
      sockets.close()
      await once(sockets, 'close')
    },
  }
  sockets.on('connection', (socket) => {
    const connection = server.connections++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('message', (data) => {
      const event = JSON.parse(String(data)) as ClientEvent
      server.received.push({ connection, event })
      for (const reply of answer(event)) socket.send(JSON.stringify(reply))
    })
  })
  return server
}
