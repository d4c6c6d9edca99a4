import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exampleRecord } from '@token-meter/testkit'
import { afterAll, expect, test, vi } from 'vitest'
import {
  aggregated,
  createMeter,
  memoryOutbox,
  type MeterOptions,
  type TokenMeterError,
} from '../src/index.ts'
import { FallbackOutbox } from '../src/environment/fallback-outbox.ts'
import type { Outbox } from '../src/outbox/outbox.ts'
import { Backend, quick, usage } from './backend.ts'

// Beside the sources, so that the child finds them and their dependencies.
const folder = mkdtempSync(fileURLToPath(new URL('./.memory-losses-', import.meta.url)))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(options: Partial<MeterOptions> = {}) {
  const backend = new Backend()
  backend.answer = (id) =>
    id.startsWith('bad') ? { status: 'rejected', reason: 'unknown customer' } : undefined
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [backend.sink()],
    delivery: quick,
    onError: (error) => void errors.push(error),
    ...options,
  })
  return { backend, errors, meter }
}

test('flush resolves with what is dead and unattributed counted, and rejects for what is pending', async () => {
  const { backend, meter } = start()
  await meter.record(usage('good'))
  await meter.record(usage('bad'))
  await meter.outbox.append([exampleRecord({ customer: null })])
  const { sinks } = await meter.flush()
  expect(sinks).toMatchObject({
    backend: { recorded: 3, pending: 0, delivered: 1, dead: 1, unattributed: 1 },
  })
  backend.down = new Error('down')
  await meter.record(usage('late'))
  await expect(meter.flush({ timeoutMs: 50 })).rejects.toMatchObject({ pending: { backend: 1 } })
  await meter.close({ timeoutMs: 10 }).catch(() => {})
})

test('a dead letter is told with its record, and close rejects for it and says the rest whole', async () => {
  const { errors, meter } = start()
  await meter.record(usage('bad'))
  const unattributed = exampleRecord({ customer: null })
  await meter.outbox.append([unattributed])
  await meter.flush()
  expect(errors).toMatchObject([
    { code: 'delivery', sink: 'backend', records: [{ id: 'bad', tokens: { input: 10 } }] },
  ])
  const closing = meter.close()
  await expect(closing).rejects.toMatchObject({
    code: 'flush',
    message: expect.stringMatching(/1 for "backend" \(dead\), 1 for "backend" \(unattributed\)/),
    pending: {},
    dead: { backend: 1 },
    unattributed: { backend: 1 },
  })
  expect(errors.slice(1)).toMatchObject([
    {
      code: 'outbox',
      message: expect.stringMatching(/1 that a sink refused, 1 that nobody is named for/),
      records: [{ id: 'bad' }, { id: unattributed.id }],
    },
  ])
})

test('what is held back is counted, and lost with memory: close rejects and says it whole', async () => {
  const { errors, meter } = start()
  await meter.record({ ...usage('test'), livemode: false })
  const { sinks } = await meter.flush()
  expect(sinks).toMatchObject({ backend: { recorded: 1, pending: 0, held: 1 } })
  await expect(meter.close()).rejects.toMatchObject({
    message: expect.stringContaining('1 for "backend" (held)'),
    pending: {},
    held: { backend: 1 },
  })
  expect(errors.at(-1)).toMatchObject({
    code: 'outbox',
    message: expect.stringContaining('1 that are held back'),
    records: [{ id: 'test', livemode: false }],
  })
})

test('what was given up by name is nothing that is lost', async () => {
  const { errors, meter } = start()
  await meter.record(usage('bad'))
  await meter.flush()
  expect(await meter.outbox.discard('backend')).toBe(1)
  await meter.close()
  expect(errors.map(({ code }) => code)).toEqual(['delivery'])
})

test('each member of a sum that is refused is told with its record', async () => {
  const backend = new Backend()
  backend.answer = () => ({ status: 'rejected', reason: 'no' })
  const { errors, meter } = start({ sinks: [aggregated(backend.sink(), { lingerMs: 0 })] })
  await meter.record({ ...usage('a'), at: 1_795_000_000_000 })
  await meter.record({ ...usage('b'), at: 1_795_000_000_001 })
  await meter.flush()
  const told = errors.flatMap((error) => (error as { records?: { id: string }[] }).records ?? [])
  expect(told.map(({ id }) => id).toSorted()).toEqual(['a', 'b'])
  await meter.close().catch(() => {})
})

test('the log has each dead letter whole, however many come at once', async () => {
  const lines: string[] = []
  const warn = vi.spyOn(console, 'warn').mockImplementation((line) => void lines.push(String(line)))
  const backend = new Backend()
  backend.answer = () => ({ status: 'rejected', reason: 'no' })
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [backend.sink()],
    delivery: quick,
  })
  await meter.record(usage('bad-1'))
  await meter.record(usage('bad-2'))
  await meter.flush()
  expect(lines.filter((line) => /delivery: .*"id":"bad-\d".*"input":10/.test(line))).toHaveLength(2)
  await meter.close().catch(() => {})
  warn.mockRestore()
})

test.each(['', 'process.exit()', 'setTimeout(() => { throw new Error("mine") })'])(
  'a process that ends (%s) prints what is dead and unattributed, whole',
  (end) => {
    const file = join(folder, 'ends.ts')
    writeFileSync(
      file,
      `import { createMeter, memoryOutbox } from '../../src/index.ts'
       import { Backend, quick, usage } from '../backend.ts'
       import { exampleRecord } from '../../../testkit/src/example-record.ts'
       const backend = new Backend()
       backend.answer = (id) => id === 'bad' ? { status: 'rejected', reason: 'no' } : undefined
       const meter = createMeter({ providers: [], outbox: memoryOutbox(), sinks: [backend.sink()], delivery: quick })
       await meter.record(usage('bad'))
       await meter.record(usage('good'))
       await meter.outbox.append([exampleRecord({ id: 'nobody', customer: null })])
       await meter.flush()
       ${end}`,
    )
    const { stdout, stderr } = spawnSync(process.execPath, [file], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    const [line = '', ...others] = `${stdout}${stderr}`
      .split('\n')
      .filter((one) => one.includes('the process ended with 2 usage record(s)'))
    expect(others).toEqual([])
    expect(line).toContain('"id":"bad"')
    expect(line).toContain('"id":"nobody"')
    expect(line).not.toContain('"id":"good"')
  },
)

test('where memory stands in for an outbox, close rejects for what is left in it, and tells it whole', async () => {
  let file: Outbox | undefined
  const outbox = new FallbackOutbox({
    name: 'usage.db',
    report: () => {},
    open() {
      if (file === undefined) throw new Error('damaged')
      return file
    },
  })
  const { errors, meter } = start({ outbox })
  await meter.record(usage('bad'))
  await meter.flush()
  file = { ...memoryOutbox(), durable: true, description: 'usage.db' }
  await meter.record(usage('good'))
  await outbox.moveIn()
  await meter.record(usage('later'))
  expect(outbox.durable).toBe(true)
  await expect(meter.close()).rejects.toMatchObject({ dead: { backend: 1 } })
  expect(errors.at(-1)).toMatchObject({ code: 'outbox', records: [{ id: 'bad' }] })
})
