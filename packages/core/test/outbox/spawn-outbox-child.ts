import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface OutboxChild {
  /** What it has said so far. */
  readonly lines: readonly string[]
  /** Resolves once it has said this many lines, or the line given. */
  said(what: number | string): Promise<void>
  kill(): void
  /** How it ended: an exit code or a signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

const script = fileURLToPath(new URL('outbox-child.ts', import.meta.url))

/** Starts `outbox-child.ts`; it is killed at the end of the test. */
export function spawnOutboxChild(
  job: string,
  path: string,
  ...numbers: readonly number[]
): OutboxChild {
  const child = spawn(process.execPath, [script, job, path, ...numbers.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const output = createInterface(child.stdout)
  output.on('line', (line) => lines.push(line))
  const closed = new Promise<void>((resolve) => output.on('close', resolve))
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => void closed.then(() => resolve(code ?? signal)))
  })
  const hasSaid = (what: number | string): boolean =>
    typeof what === 'number' ? lines.length >= what : lines.includes(what)
  return {
    lines,
    async said(what) {
      let how: number | NodeJS.Signals | null | undefined
      void ended.finally(() => (how = child.exitCode ?? child.signalCode))
      while (!hasSaid(what)) {
        if (how !== undefined) throw new Error(`the child ended (${how}): ${lines.join(' | ')}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    kill: () => void child.kill('SIGKILL'),
    ended,
  }
}
