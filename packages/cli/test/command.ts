import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const bin: string = join(import.meta.dirname, '../src/bin.ts')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The environment of whoever runs the tests, without what the command would find in it. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(STRIPE|METRONOME|LAGO|OPENMETER|OPENAI|ANTHROPIC|GEMINI|GOOGLE|GROQ|TOKEN_METER|NODE_OPTIONS$|NO_COLOR$|FORCE_COLOR$|HTTPS?_PROXY$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'token-meter-cli-'))
}

/** Runs any program to its end, while the servers of this process answer. */
export function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (piece) => (stdout += piece))
    child.stderr.setEncoding('utf8').on('data', (piece) => (stderr += piece))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** Runs the command to its end. */
export function run(
  args: readonly string[],
  { cwd = newFolder(), environment = {} }: { cwd?: string; environment?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const env = { ...cleanEnvironment(), ...environment }
  return runProgram(process.execPath, [bin, ...args], { cwd, env })
}
