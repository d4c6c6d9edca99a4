import { expect, test, vi } from 'vitest'
import { createMeter, memoryOutbox, type Outbox } from '../src/index.ts'
import { Backend, quick, usage } from './backend.ts'

function start(outbox: Outbox = memoryOutbox()) {
  const backend = new Backend()
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [backend.sink()],
    delivery: quick,
    onError: () => {},
  })
  return { backend, meter }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function timeOf(work: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work.catch(() => {})
  return performance.now() - start
}

test('close keeps its own deadline while a longer flush runs', async () => {
  const { backend, meter } = start()
  backend.down = new Error('down')
  await meter.record(usage('r0'))
  const flush = meter.flush({ timeoutMs: 1500 }).catch(() => {})
  expect(await timeOf(meter.close({ timeoutMs: 100 }))).toBeLessThan(800)
  await flush
})

test('a flush keeps its own deadline while a shorter one runs', async () => {
  const { backend, meter } = start()
  backend.down = new Error('down')
  await meter.record(usage('r0'))
  const short = expect(meter.flush({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'flush' })
  const long = meter.flush({ timeoutMs: 3000 })
  setTimeout(() => (backend.down = undefined), 300)
  await short
  expect((await long).sinks.backend?.pending).toBe(0)
  await meter.close()
})

test('a flush has its whole time although one like it began earlier', async () => {
  const { backend, meter } = start()
  backend.down = new Error('down')
  await meter.record(usage('r0'))
  const first = meter.flush({ timeoutMs: 300 }).catch(() => 'over')
  await wait(200)
  const second = meter.flush({ timeoutMs: 300 })
  setTimeout(() => (backend.down = undefined), 150)
  expect(await first).toBe('over')
  await second
  await meter.close()
})

test('flushes with the same options at the same moment are one', async () => {
  const { meter } = start()
  await meter.record(usage('r0'))
  expect(meter.flush()).toBe(meter.flush({ timeoutMs: 30_000 }))
  await meter.flush()
  await meter.close()
})

test.each([Number.NaN, -1, '100', null])('timeoutMs %s is refused', async (timeoutMs) => {
  const { backend, meter } = start()
  await meter.record(usage('r0'))
  const wrong = { timeoutMs } as never
  const refused = { code: 'config', message: expect.stringMatching(/timeoutMs/) }
  await expect(meter.flush(wrong)).rejects.toMatchObject(refused)
  await expect(meter.close(wrong)).rejects.toMatchObject(refused)
  await meter.flush({ timeoutMs: Number.POSITIVE_INFINITY })
  expect(backend.accepted).toEqual(['r0'])
  await meter.close()
})

test('a clock that jumps stalls neither a flush nor the delivery', async () => {
  const { backend, meter } = start()
  backend.down = new Error('down')
  await meter.record(usage('r0'))
  // Two failures in a row, so that delivery backs off.
  await vi.waitFor(() => expect(backend.batches.length).toBeGreaterThan(6))
  const flush = timeOf(meter.flush({ timeoutMs: 200 }))
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => 1_000_000)
  try {
    expect(await flush).toBeLessThan(800)
  } finally {
    clock.mockRestore()
  }
  await meter.close({ timeoutMs: 10 }).catch(() => {})
})

test('an outbox that does not answer holds a flush up no longer than its deadline', async () => {
  const outbox = { ...memoryOutbox(), position: () => new Promise<never>(() => {}) }
  const { meter } = start(outbox)
  const flush = meter.flush({ timeoutMs: 60 })
  await expect(flush).rejects.toMatchObject({ code: 'flush' })
})

test('a flush covers an append that had begun, although one a moment earlier does not', async () => {
  const memory = memoryOutbox()
  const outbox: Outbox = {
    ...memory,
    append: (records) => wait(30).then(() => memory.append(records)),
  }
  const { backend, meter } = start(outbox)
  void meter.flush()
  void meter.record(usage('r0'))
  await wait(0)
  await meter.flush()
  expect(backend.accepted).toEqual(['r0'])
  await meter.close()
})
