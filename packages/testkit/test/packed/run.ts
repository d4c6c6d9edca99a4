import { execFile } from 'node:child_process'
import { constants, setPriority } from 'node:os'
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
  /** Ends it. */
  readonly signal?: AbortSignal
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end, behind whatever else wants the processor: builds and compilers would
 * hold up the tests beside them that measure time.
 * @throws Error with all that it printed when it fails or takes more than five minutes.
 */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, environment = {}, signal }: RunOptions,
): Promise<RunResult> {
  try {
    const running = execute(program, args, {
      signal,
      cwd,
      env: { ...cleanEnvironment(), PATH: path, ...environment },
      timeout: 300_000,
      maxBuffer: 16 * 1024 * 1024,
    })
    giveWay(running.child.pid)
    return await running
  } catch (cause) {
    const { stdout, stderr, message } = cause as RunResult & Error
    throw new Error([message, stdout, stderr].join('\n'), { cause })
  }
}

/** Also of what it starts. */
function giveWay(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    setPriority(pid, Math.ceil(constants.priority.PRIORITY_BELOW_NORMAL / 2))
  } catch {
    // It has ended already.
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
