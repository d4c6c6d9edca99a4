import { execFile } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export const repository: string = join(import.meta.dirname, '../../../..')

/** Where a program is found: this Node first, then the repository's tools. */
const path = [
  dirname(process.execPath),
  join(repository, 'node_modules/.bin'),
  process.env['PATH'] ?? '',
].join(delimiter)

export interface RunOptions {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string>>
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end.
 * @throws Error with all that it printed when it fails or takes more than five minutes.
 */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, environment = {} }: RunOptions,
): Promise<RunResult> {
  try {
    return await execute(program, args, {
      cwd,
      env: { ...cleanEnvironment(), PATH: path, ...environment },
      timeout: 300_000,
      maxBuffer: 16 * 1024 * 1024,
    })
  } catch (cause) {
    const { stdout, stderr, message } = cause as RunResult & Error
    throw new Error([message, stdout, stderr].join('\n'), { cause })
  }
}

/**
 * Without the keys and settings that a zero-config meter would find, and without the NODE_PATH of
 * pnpm's scripts, through which an application would find packages it has not installed.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(STRIPE|METRONOME|LAGO|OPENMETER|OPENAI|TOKEN_METER|NODE_(OPTIONS|PATH|ENV)$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}
