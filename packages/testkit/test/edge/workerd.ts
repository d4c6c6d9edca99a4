import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where the runtime of Cloudflare's Workers is; or why it is not. */
export function findWorkerd(): { readonly path: string } | { readonly missing: string } {
  const { platform, arch } = process
  const name = `@cloudflare/workerd-${platform}-${arch === 'x64' ? '64' : arch}`
  try {
    // A dependency of a dependency: only workerd itself can find it.
    const requireAsTest = createRequire(import.meta.url)
    const requireAsWorkerd = createRequire(requireAsTest.resolve('workerd/package.json'))
    const path = requireAsWorkerd.resolve(`${name}/bin/workerd`)
    return existsSync(path) ? { path } : { missing: `${path} is not there` }
  } catch {
    return { missing: `${name} is not installed` }
  }
}

export interface RunningWorker extends AsyncDisposable {
  readonly url: string
  /** What it wrote to its log. */
  log(): string
}

export interface WorkerOptions {
  readonly code: string
  readonly env: Readonly<Record<string, string>>
  readonly compatibilityDate: string
  readonly compatibilityFlags?: readonly string[]
}

/**
 * Runs a worker that may reach this machine.
 * @throws when it does not start, with its log.
 */
export async function startWorker(path: string, options: WorkerOptions): Promise<RunningWorker> {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-workerd-'))
  writeFileSync(join(folder, 'worker.js'), options.code)
  writeFileSync(join(folder, 'config.capnp'), configOf(options))
  const child = spawn(path, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  let log = ''
  let control = ''
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.stdout?.on('data', (piece) => (log += piece))
  child.stderr?.on('data', (piece) => (log += piece))
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  const listening = new Promise<number>((resolve) => {
    child.stdio[3]?.on('data', (piece) => {
      control += piece
      const port = /"port":(\d+)/.exec(control)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
  })
  const port = await Promise.race([listening, ended])
  if (port === undefined) {
    await stop()
    throw new Error(`workerd did not start: ${log}`)
  }
  return { url: `http://127.0.0.1:${port}`, log: () => log, [Symbol.asyncDispose]: stop }
}

function configOf({ env, compatibilityDate, compatibilityFlags = [] }: WorkerOptions): string {
  const bindings = Object.entries(env).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`,
  )
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "network", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = ${JSON.stringify(compatibilityDate)},
  compatibilityFlags = ${JSON.stringify(compatibilityFlags)},
  bindings = [${bindings.join(', ')}],
  globalOutbound = "network",
);
`
}
