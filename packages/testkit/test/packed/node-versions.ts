import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface NodeVersion {
  readonly major: string
  /** `undefined` where this platform has no such binary. */
  readonly binary: string | undefined
}

const modules = join(import.meta.dirname, '../../node_modules')

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
