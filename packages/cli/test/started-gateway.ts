/** The command `token-meter gateway` as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bin, cleanEnvironment, newFolder, run, type Ran } from './command.ts'
import type { LocalUpstream } from './local-upstream.ts'

export const adminKey = 'admin-canary-0123456789'
export const upstreamKey = 'sk-canary-upstream'

export interface StartedGateway extends AsyncDisposable {
  readonly url: string
  readonly cwd: string
  readonly child: ChildProcess
  /** So far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>
  /** `token-meter ...` on the same store. */
  command(...args: string[]): Promise<Ran>
  /** A key of it. */
  generate(...args: string[]): Promise<string>
}

export interface StartOptions {
  readonly config?: object
  readonly args?: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
}

/** A configuration whose upstreams are all the local one. */
export function configFor(upstream: LocalUpstream, more: object = {}): object {
  const apiKey = 'env.UPSTREAM_KEY'
  return {
    upstreams: {
      openai: { baseUrl: upstream.url, apiKey },
      anthropic: { baseUrl: upstream.url, apiKey },
      gemini: { baseUrl: upstream.url, apiKey },
    },
    adminKey: 'env.TOKEN_METER_ADMIN_KEY',
    ...more,
  }
}

/** Resolves once it listens. @throws Error with what it said where it ends before. */
export async function startGateway({
  config,
  args = [],
  environment = {},
}: StartOptions): Promise<StartedGateway> {
  const cwd = newFolder()
  if (config !== undefined)
    writeFileSync(join(cwd, 'token-meter.gateway.json'), JSON.stringify(config))
  const own = { UPSTREAM_KEY: upstreamKey, TOKEN_METER_ADMIN_KEY: adminKey, ...environment }
  const child = spawn(process.execPath, [bin, 'gateway', '--port', '0', ...args], {
    cwd,
    env: { ...cleanEnvironment(), ...own },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (piece) => (stdout += piece))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (piece) => {
      stderr += piece
      const [, found] = /gateway on (http:\S+)\n[^]*\n {2}keys /.exec(stderr) ?? []
      if (found !== undefined) resolve(found)
    })
    void ended.then((code) => reject(new Error(`it ended with ${code}: ${stderr}`)))
  })
  const command = (...given: string[]) => run(given, { cwd, environment: own })
  return {
    url,
    cwd,
    child,
    ended,
    command,
    stdout: () => stdout,
    stderr: () => stderr,
    async generate(...given) {
      const made = await command('keys', 'generate', ...given)
      if (made.code !== 0) throw new Error(made.stderr)
      return made.stdout.trim()
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
