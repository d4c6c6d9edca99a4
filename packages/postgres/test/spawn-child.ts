import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface Child {
  /** What it has said so far. */
  readonly lines: readonly string[]
  /** What it has said so far after a word. */
  said(word: string): readonly string[]
  /** Resolves once it has said this many lines. */
  hasSaid(count: number): Promise<void>
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** How it ended: an exit code or a signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

const packageFolder = fileURLToPath(new URL('..', import.meta.url))

/** Where children have their spool unless they are told. */
export const childSpool = join(packageFolder, '.token-meter/spool')

/** Runs a script of this folder in a process of its own, which is killed at the end of the test. */
export function spawnScript(
  name: string,
  parameters: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Child {
  const script = fileURLToPath(new URL(name, import.meta.url))
  const child = spawn(process.execPath, [script, ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: packageFolder,
    env: { ...process.env, ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const output = createInterface(child.stdout)
  output.on('line', (line) => lines.push(line))
  const closed = new Promise<void>((resolve) => output.on('close', resolve))
  let isOver = false
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => {
      isOver = true
      void closed.then(() => resolve(code ?? signal))
    })
  })
  return {
    lines,
    said: (word) =>
      lines
        .filter((line) => line.startsWith(`${word} `))
        .map((line) => line.slice(word.length + 1)),
    async hasSaid(count) {
      while (lines.length < count) {
        if (isOver) throw new Error(`the child has ended: ${lines.join(' | ')}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    signal: (signal) => void child.kill(signal),
    ended,
  }
}

/** Starts a job of `outbox-child.ts`. */
export function spawnChild(
  job: string,
  url: string,
  schema: string,
  ...numbers: readonly number[]
): Child {
  return spawnScript('outbox-child.ts', [job, url, schema, ...numbers.map(String)])
}
