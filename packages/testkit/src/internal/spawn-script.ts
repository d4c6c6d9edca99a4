import { spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'

/** A process of a test. */
export interface SpawnedScript {
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  kill(): void
}

/** Starts a script in a process of its own; it is killed at the end of the test. */
export function spawnScript(script: string, ...args: readonly string[]): SpawnedScript {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const kill = () => void child.kill('SIGKILL')
  onTestFinished(kill)
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  return { ended, kill }
}
