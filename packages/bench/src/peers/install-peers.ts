import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { peersFolder } from '../calls/module-copies.ts'

interface Manifest {
  version: string
}

/**
 * Installs the peers with npm into their own folder, unless they are there. They are optional
 * dependencies: one that cannot be had does not keep out the others. Answers why it failed.
 */
export async function installPeers(): Promise<string | undefined> {
  if (existsSync(new URL('node_modules/openai7/package.json', peersFolder))) return undefined
  const npm = spawn('npm', ['install'], {
    cwd: fileURLToPath(peersFolder),
    shell: process.platform === 'win32',
    // pnpm's settings in the environment are not npm's.
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name)),
    ),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  npm.stderr.on('data', (text: Buffer) => (complaints += String(text)))
  try {
    const [code] = (await once(npm, 'close')) as [number]
    return code === 0 ? undefined : `npm install failed: ${complaints.slice(-300)}`
  } catch (error) {
    return `npm cannot be started: ${(error as Error).message}`
  }
}

/** The version of a peer that is installed; `undefined` where it is not. */
export async function installedVersion(name: string): Promise<string | undefined> {
  try {
    const file = new URL(`node_modules/${name}/package.json`, peersFolder)
    return (JSON.parse(await readFile(file, 'utf8')) as Manifest).version
  } catch {
    return undefined
  }
}
