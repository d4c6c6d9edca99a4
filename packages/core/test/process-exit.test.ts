import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { sqliteOutbox } from '../src/sqlite.ts'
import { temporaryFolder } from './outbox/temporary-folder.ts'

// Beside the sources, so that the child finds them and their dependencies.
const folder = mkdtempSync(fileURLToPath(new URL('./.process-exit-', import.meta.url)))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let runs = 0

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

/** Runs a process that has recorded r0; `then` says how it goes on, `onReady` who ends it. */
async function run(
  outbox: string,
  backend: keyof typeof sends,
  then: string,
  onReady?: (kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  const file = join(folder, `${runs++}.ts`)
  writeFileSync(
    file,
    `import { createMeter, memoryOutbox } from '../../src/index.ts'
     import { sqliteOutbox } from '../../src/sqlite.ts'
     import { quick, usage } from '../backend.ts'
     const handlers = () => ['SIGTERM', 'SIGINT', 'SIGHUP', 'uncaughtException', 'unhandledRejection'].map((name) => process.listenerCount(name)).join('')
     process.on('SIGHUP', () => {})
     const before = handlers()
     const sent = []
     const send = ${sends[backend]}
     const meter = createMeter({ providers: [], outbox: ${outbox}, sinks: [{ name: 'backend', send }], delivery: { ...quick, sendTimeoutMs: 500 } })
     await meter.record(usage('r0'))
     process.on('exit', () => console.log('sent', sent.length, handlers() === before ? 'handlers kept' : 'handlers changed'))
     ${then}`,
  )
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let isReady = false
  const note = (piece: Buffer) => {
    output += piece
    if (isReady || !output.includes('ready\n')) return
    isReady = true
    onReady?.((signal) => child.kill(signal))
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  return await new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, output }))
  })
}

const sends = {
  up: `async (batch) => { sent.push(...batch.entries); return batch.entries.map(() => ({ status: 'accepted' })) }`,
  down: `async () => { throw new Error('down') }`,
  hanging: `() => new Promise(() => {})`,
  'deaf on a socket': `(_, signal) => fetch('http://127.0.0.1:' + deaf.address().port, { signal })
     const deaf = (await import('node:net')).createServer((socket) => socket.unref())
     await new Promise((resolve) => deaf.listen(0, resolve))
     deaf.unref()`,
}

const memory = 'memoryOutbox()'
const onDisk = () => {
  const path = join(temporaryFolder(), 'usage.db')
  return { path, outbox: `sqliteOutbox(${JSON.stringify(path)})` }
}

/** What a later process finds to deliver. */
function pendingIn(path: string): number {
  const outbox = sqliteOutbox(path)
  try {
    return (outbox.stats('backend') as { pending: number }).pending
  } finally {
    void outbox.close()
  }
}

// Many at a time, each of which starts Node; memory is flushed for 10 s.
const options = { concurrent: true, timeout: 90_000 }

describe('a process that has nothing left to do ends by itself', options, () => {
  test.each(['memory', 'SQLite'])('with a backend that is up, and %s', async (kind) => {
    const { path, outbox } = onDisk()
    const ended = await run(kind === 'memory' ? memory : outbox, 'up', '')
    expect(ended).toEqual({ code: 0, signal: null, output: 'sent 1 handlers kept\n' })
    if (kind === 'SQLite') expect(pendingIn(path)).toBe(0)
  })

  test.each(['down', 'hanging', 'deaf on a socket'] as const)(
    'with a backend that is %s: memory is printed',
    async (backend) => {
      const { code, output } = await run(memory, backend, 'process.exitCode = 3')
      expect(code).toBe(3)
      expect(output.match(/token-meter] outbox: .*"id":"r0"/g)).toHaveLength(1)
      expect(output).toContain('sent 0 handlers kept')
    },
  )

  test.each(['down', 'hanging', 'deaf on a socket'] as const)(
    'with a backend that is %s: SQLite keeps it for the next process',
    async (backend) => {
      const { path, outbox } = onDisk()
      const { code, output } = await run(outbox, backend, 'process.exitCode = 3')
      expect(code).toBe(3)
      expect(output).not.toContain('"id":"r0"')
      expect(pendingIn(path)).toBe(1)
    },
  )
})

describe('how the application ends stays as it is', options, () => {
  const idle = 'setInterval(() => {}, 1000)'
  const atOnce: readonly [string, string, number][] = [
    ['process.exit(5) at once', 'process.exit(5)', 5],
    ['process.exit(5) while it closes', 'void meter.close(); process.exit(5)', 5],
    [
      'process.exit(5) later while it closes',
      'void meter.close(); setTimeout(() => process.exit(5), 50)',
      5,
    ],
    ['process.exit(5) in a handler', `process.on('beforeExit', () => process.exit(5))`, 5],
    ['an error', `setTimeout(() => { throw new Error('mine') })`, 1],
    ['a rejection', `void Promise.reject(new Error('mine')); ${idle}`, 1],
  ]
  const late: readonly [string, string, number][] = [
    ['process.exit(5) in an exit handler', `process.on('exit', () => process.exit(5))`, 5],
    ['a code set in an exit handler', `process.on('exit', () => { process.exitCode = 7 })`, 7],
  ]
  test.each(atOnce)('%s, from memory', async (_, then, expected) => {
    const { code, output } = await run(memory, 'hanging', then)
    expect(code).toBe(expected)
    expect(output.match(/token-meter] outbox: .*"id":"r0"/g)).toHaveLength(1)
  })

  test.each([...atOnce, ...late])('%s, from SQLite', async (_, then, expected) => {
    const { path, outbox } = onDisk()
    const { code, output } = await run(outbox, 'hanging', then)
    expect(code).toBe(expected)
    expect(output).not.toContain('"id":"r0"')
    expect(pendingIn(path)).toBe(1)
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s kills', async (signal) => {
    const { path, outbox } = onDisk()
    const then = `console.log('ready'); ${idle}`
    const ended = await run(outbox, 'hanging', then, (kill) => kill(signal))
    expect(ended).toEqual({ code: null, signal, output: 'ready\n' })
    expect(pendingIn(path)).toBe(1)
  })

  test('SIGTERM that the application handles as docs/shutdown.md says', async () => {
    const then = `const busy = ${idle}
      process.once('SIGTERM', async () => { clearInterval(busy); await meter.close({ timeoutMs: 8000 }) })
      console.log('ready')`
    const ended = await run(memory, 'up', then, (kill) => kill('SIGTERM'))
    expect(ended).toEqual({ code: 0, signal: null, output: 'ready\nsent 1 handlers kept\n' })
  })
})
