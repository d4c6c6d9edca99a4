import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { createMeter, memoryOutbox } from '../src/index.ts'
import { Backend } from './backend.ts'
import { temporaryFolder } from './outbox/temporary-folder.ts'

// Beside the sources, so that the child finds them and their dependencies.
const folder = mkdtempSync(fileURLToPath(new URL('./.process-end-', import.meta.url)))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a process of its own prints that runs this module. */
function run(name: string, source: string): string {
  const file = join(folder, `${name}.ts`)
  writeFileSync(
    file,
    `import { createMeter, memoryOutbox } from '../../src/index.ts'\n` +
      `import { Backend, quick, usage } from '../backend.ts'\n${source}`,
  )
  const { stdout, stderr } = spawnSync(process.execPath, [file], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  return stdout + stderr
}

test('a closed meter keeps the process alive for no moment longer', () => {
  const output = run(
    'close',
    `const meter = createMeter({ providers: [], outbox: memoryOutbox(), sinks: [new Backend().sink()], delivery: quick })
     await meter.record(usage('r0'))
     await meter.close()
     const closedAt = performance.now()
     process.on('exit', () => console.log(performance.now() - closedAt < 2000 ? 'soon' : 'late'))`,
  )
  expect(output).toBe('soon\n')
})

test('many meters share one listener of beforeExit, and each of them is flushed', () => {
  const output = run(
    'many',
    `const backends = Array.from({ length: 12 }, () => new Backend())
     for (const backend of backends) {
       const meter = createMeter({ providers: [], outbox: memoryOutbox(), sinks: [backend.sink()], delivery: { ...quick, lingerMs: 60000, pollMs: 60000 } })
       await meter.record(usage('r0'))
     }
     console.log(process.listenerCount('beforeExit'))
     process.on('exit', () => console.log(backends.flatMap(({ accepted }) => accepted).length))`,
  )
  expect(output).toBe('1\n12\n')
})

test('usage that a locked file kept out is printed before the process ends', () => {
  const path = join(temporaryFolder(), 'usage.db')
  const output = run(
    'locked',
    `import { DatabaseSync } from 'node:sqlite'
     import { sqliteOutbox } from '../../src/sqlite.ts'
     const meter = createMeter({ providers: [], outbox: sqliteOutbox('${path}') })
     const other = new DatabaseSync('${path}')
     other.exec('BEGIN IMMEDIATE')
     // Still in use, or it would be collected, and its lock with it.
     process.on('exit', () => other.close())
     void meter.record(usage('r0'))`,
  )
  expect(output.match(/token-meter] outbox: .*"id":"r0"/g)).toHaveLength(1)
})

test('an outbox that cannot say what it loses is reported, and changes no exit code', () => {
  const output = run(
    'unreadable',
    `const ledger = () => { throw new Error('damaged') }
     const meter = createMeter({ providers: [], outbox: { ...memoryOutbox(), ledger }, sinks: [new Backend().sink()], delivery: quick })
     process.on('exit', (code) => console.log('code', code))
     await meter.record(usage('r0'))
     process.exit()`,
  )
  expect(output).toContain('the process ended, and what is left in memory cannot be read')
  expect(output).toContain('code 0\n')
})

test.each([
  ['retentionMs', { retentionMs: Number.NaN }],
  ['outbox', { outbox: {} }],
  ['delivery', { delivery: { pollMs: -1 } }],
])('a meter that is refused for its %s leaves nothing behind', (_, wrong) => {
  const listeners = process.listenerCount('beforeExit')
  const timers = process.getActiveResourcesInfo().length
  const options = { providers: [], outbox: memoryOutbox(), sinks: [new Backend().sink()] }
  expect(() => createMeter({ ...options, ...wrong } as never)).toThrow(
    expect.objectContaining({ code: 'config' }),
  )
  expect(process.listenerCount('beforeExit')).toBe(listeners)
  expect(process.getActiveResourcesInfo().length).toBe(timers)
})

test('the listener goes with the last meter', async () => {
  const listeners = process.listenerCount('beforeExit')
  const make = () => createMeter({ providers: [], outbox: memoryOutbox(), sinks: [] })
  const meters = [make(), make()]
  await Promise.all(meters.map((meter) => meter.close()))
  expect(process.listenerCount('beforeExit')).toBe(listeners)
})
