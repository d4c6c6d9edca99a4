import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** What an application wrote, and how it ended. */
export interface ZeroConfigRun {
  /** The `stats()` of the sinks as JSON, or the error. */
  readonly said: string
  readonly warned: string
  readonly code: number | null
}

/**
 * Runs an application that says nothing of sinks, and bills 3 tokens of input and 2 of output.
 * @param folder where it has the sink's package installed: a package finds itself.
 */
export async function runZeroConfig(
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<ZeroConfigRun> {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, [join(import.meta.dirname, 'zero-config-child.ts')], {
    cwd: folder,
    env: { PATH, NODE_COMPILE_CACHE, TOKEN_METER_OUTBOX: 'memory:', ...environment },
  })
  const [said, warned] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { said, warned, code: child.exitCode }
}
