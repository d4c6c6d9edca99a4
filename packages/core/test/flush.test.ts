import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  createMeter,
  FlushError,
  memoryOutbox,
  type Outbox,
  type TokenMeterError,
} from '../src/index.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import { Backend, quick, usage } from './backend.ts'

function start(outbox: Outbox = memoryOutbox(), sinks = ['backend']) {
  const backend = new Backend()
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: sinks.map((name) => backend.sink(name)),
    delivery: quick,
    onError: () => {},
  })
  return { backend, meter }
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-flush-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'usage.db')
}

const hangs = () => new Promise<never>(() => {})

test.each([
  ['memory', () => memoryOutbox()],
  ['sqlite', () => sqliteOutbox(temporaryFile())],
])('under a thousand appends a second, flush covers what was before it (%s)', async (_, make) => {
  const { backend, meter } = start(make())
  let count = 0
  const load = setInterval(() => {
    for (let each = 0; each < 10; each++) void meter.record(usage(`r${count++}`))
  }, 10)
  try {
    for (let round = 0; round < 4; round++) {
      await vi.waitFor(() => expect(count).toBeGreaterThan(round * 100 + 50))
      const before = count
      const { sinks } = await meter.flush()
      expect(sinks['backend']?.delivered).toBeGreaterThanOrEqual(before)
      const arrived = new Set(backend.accepted)
      for (let each = 0; each < before; each++) expect(arrived).toContain(`r${each}`)
    }
  } finally {
    clearInterval(load)
  }
  await meter.close()
  expect(new Set(backend.accepted).size).toBe(count)
  expect(backend.accepted).toHaveLength(count)
})

test('during an outage flush rejects at its deadline with what is left for each sink', async () => {
  const { backend, meter } = start(memoryOutbox(), ['one', 'two'])
  backend.down = new Error('connection refused')
  for (const id of ['a', 'b', 'c']) await meter.record(usage(id))
  const [first, second] = [meter.flush({ timeoutMs: 150 }), meter.flush({ timeoutMs: 150 })]
  expect(second).toBe(first)
  await expect(first).rejects.toMatchObject({
    code: 'flush',
    pending: { one: 3, two: 3 },
    message: expect.stringMatching(/150 ms.*3 for "one", 3 for "two".*connection refused/),
  })
  backend.down = undefined
  await meter.close()
})

test('after a close that delivered everything, flush answers its counts', async () => {
  const { meter } = start(sqliteOutbox(temporaryFile()))
  await meter.record(usage('r0'))
  const closing = meter.close()
  const during = meter.flush()
  await closing
  for (const stats of [await during, await meter.flush(), await meter.stats()]) {
    expect(stats).toMatchObject({ recorded: 1, sinks: { backend: { delivered: 1, pending: 0 } } })
  }
})

test.each([
  ['in memory', () => memoryOutbox()],
  ['in a file', () => sqliteOutbox(temporaryFile())],
])('after a close that left records %s, flush rejects with what is left', async (_, make) => {
  const { backend, meter } = start(make())
  backend.down = new Error('down')
  await meter.record(usage('r0'))
  await meter.close({ timeoutMs: 20 }).catch(() => {})
  await expect(meter.flush()).rejects.toMatchObject({ code: 'flush', pending: { backend: 1 } })
})

test.each(['stats', 'isSettled', 'expedite', 'position', 'recorded'] as const)(
  'an outbox that hangs in %s() holds up neither flush nor close beyond its deadline',
  async (method) => {
    const { backend, meter } = start({ ...memoryOutbox(), [method]: hangs })
    backend.down = new Error('down')
    await meter.record(usage('r0'))
    const began = performance.now()
    await expect(meter.flush({ timeoutMs: 100 })).rejects.toBeInstanceOf(FlushError)
    expect(performance.now() - began).toBeLessThan(1500)
    await expect(meter.close({ timeoutMs: 100 })).rejects.toBeInstanceOf(FlushError)
    expect(performance.now() - began).toBeLessThan(6000)
  },
)

test('an outbox that hangs as it closes does not hold up close', async () => {
  const { meter } = start({ ...memoryOutbox(), close: hangs })
  await meter.record(usage('r0'))
  await expect(meter.close()).rejects.toThrow(/the outbox \(memory\) does not answer/)
})

test('an outbox that cannot be counted is closed all the same', async () => {
  const close = vi.fn()
  const stats = () => {
    throw new Error('damaged')
  }
  const { meter } = start({ ...memoryOutbox(), stats, close })
  await expect(meter.close()).rejects.toThrow('damaged')
  expect(close).toHaveBeenCalledOnce()
})

test('records that are lost because memory is closed are reported whole', async () => {
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [{ name: 'down', send: async () => Promise.reject(new Error('down')) }],
    delivery: quick,
    onError: (error) => errors.push(error),
  })
  await meter.record(usage('r0'))
  await expect(meter.close({ timeoutMs: 20 })).rejects.toMatchObject({ pending: { down: 1 } })
  expect(errors).toMatchObject([{ code: 'outbox', records: [{ id: 'r0' }] }])
})
