import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface NodeVersion {
  readonly major: string
  /** `undefined` where this platform has no such binary. */
  readonly binary: string | undefined
}

const modules = join(import.meta.dirname, 'node_modules')

/** The oldest line that is supported, the one after it, and the pinned one that runs the tests. */
export const nodeVersions: readonly NodeVersion[] = [
  { major: '22', binary: installed('node22') },
  { major: '24', binary: installed('node24') },
  { major: '26', binary: process.execPath },
]

function installed(alias: string): string | undefined {
  const binary = join(modules, alias, 'bin/node')
  return existsSync(binary) ? binary : undefined
}

export function versionOf(binary: string): string {
  return execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim()
}

export interface OtherRuntime {
  readonly name: string
  /** `undefined` where it is not installed: it is no dependency of this repository. */
  readonly binary: string | undefined
  /** Before the script. */
  readonly flags: readonly string[]
}

export const otherRuntimes: readonly OtherRuntime[] = [
  { name: 'Bun', binary: onPath('bun'), flags: [] },
  {
    name: 'Deno',
    binary: onPath('deno'),
    flags: ['run', '--allow-net', '--allow-env', '--allow-read', '--allow-write', '--allow-sys'],
  },
]

function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}
