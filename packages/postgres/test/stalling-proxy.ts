import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

/** Between a client and its database: stops passing on what comes, without closing anything. */
export interface StallingProxy {
  /** The database behind it. */
  readonly url: string
  /** Stops once so much more has come from the database; Infinity lets new connections through. */
  stallAfter(bytes: number): void
  /** Stops the connections that there are, and no others. */
  stallNow(): void
  /** Breaks the connections that there are. */
  dropAll(): void
  /** Stops all that the client says after the first message with this text. */
  stallBehind(text: string): void
  /** Resolves when it has stopped. */
  readonly stalled: Promise<void>
  close(): void
}

export async function startStallingProxy(databaseUrl: string): Promise<StallingProxy> {
  const database = new URL(databaseUrl)
  const sockets: Socket[] = []
  const backends = new Set<Socket>()
  let bytesLeft = Infinity
  let stallText: string | undefined
  let hasStalled = () => {}
  const stalled = new Promise<void>((resolve) => (hasStalled = resolve))
  const server = createServer((client) => {
    const backend = connect(Number(database.port), database.hostname)
    sockets.push(client, backend)
    backends.add(backend)
    let isDeaf = false
    client.on('data', (data) => {
      if (isDeaf) return
      backend.write(data)
      if (stallText !== undefined && data.includes(stallText)) {
        isDeaf = true
        hasStalled()
      }
    })
    backend.on('data', (data) => {
      client.write(data)
      bytesLeft -= data.length
      if (bytesLeft > 0) return
      backend.pause()
      hasStalled()
    })
    client.on('error', () => backend.destroy())
    backend.on('error', () => client.destroy())
    client.on('close', () => backend.destroy())
    backend.on('close', () => {
      backends.delete(backend)
      client.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    stallAfter: (bytes) => void (bytesLeft = bytes),
    stallNow: () => backends.forEach((backend) => backend.pause()),
    dropAll: () => sockets.splice(0).forEach((socket) => socket.destroy()),
    stallBehind: (text) => void (stallText = text),
    stalled,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
