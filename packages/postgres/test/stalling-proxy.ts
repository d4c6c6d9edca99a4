import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

/** Between a client and its database: stops passing on what comes, without closing anything. */
export interface StallingProxy {
  /** The database behind it. */
  readonly url: string
  /** Stops once so much more has come from the database. */
  stallAfter(bytes: number): void
  /** Stops all that the client says after the first message with this text. */
  stallBehind(text: string): void
  /** Resolves when it has stopped. */
  readonly stalled: Promise<void>
  close(): void
}

export async function startStallingProxy(databaseUrl: string): Promise<StallingProxy> {
  const database = new URL(databaseUrl)
  const sockets: Socket[] = []
  let bytesLeft = Infinity
  let stallText: string | undefined
  let hasStalled = () => {}
  const stalled = new Promise<void>((resolve) => (hasStalled = resolve))
  const server = createServer((client) => {
    const backend = connect(Number(database.port), database.hostname)
    sockets.push(client, backend)
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
    backend.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    stallAfter: (bytes) => void (bytesLeft = bytes),
    stallBehind: (text) => void (stallText = text),
    stalled,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
