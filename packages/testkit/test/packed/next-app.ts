import { spawn } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { pinned } from './manifest.ts'
import { run } from './run.ts'

/** Not installed here, because it is 150 MB that nothing else needs. */
const next = ['next@16.4.6', 'react@19.2.3', 'react-dom@19.2.3']

/** Of ours, what the application has. */
export const packagesOfApp: readonly string[] = ['core', 'openai', 'stripe', 'lago']

/** The application of `next/` with the packed packages from npm, built. Answers its log. */
export async function buildNextApp(
  folder: string,
  tarballs: Readonly<Record<string, string>>,
): Promise<string> {
  cpSync(join(import.meta.dirname, 'next'), folder, { recursive: true })
  const packages = [
    ...Object.values(tarballs),
    `openai@${pinned('packages/openai', 'openai')}`,
    `stripe@${pinned('packages/stripe', 'stripe')}`,
    ...next,
  ]
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['install', ...flags, ...packages], { cwd: folder })
  const { stdout, stderr } = await run(
    process.execPath,
    ['node_modules/next/dist/bin/next', 'build'],
    {
      cwd: folder,
      environment: { NEXT_TELEMETRY_DISABLED: '1', CI: '1' },
    },
  )
  return stdout + stderr
}

export interface RunningApp extends AsyncDisposable {
  readonly url: string
  log(): string
}

/** Runs what a build made for deployment, in a folder that has nothing else beside it. */
export async function runStandalone(
  built: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningApp> {
  mkdirSync(folder, { recursive: true })
  cpSync(join(built, '.next/standalone'), folder, { recursive: true })
  const port = await freePort()
  const child = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PORT: `${port}`,
      HOSTNAME: '127.0.0.1',
      NEXT_TELEMETRY_DISABLED: '1',
      ...environment,
    },
  })
  let log = ''
  child.stdout.on('data', (piece) => (log += piece))
  child.stderr.on('data', (piece) => (log += piece))
  const ended = once(child, 'close')
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    log: () => log,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
