import { exampleRecord } from '@token-meter/testkit'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  type MeterOptions,
  type Sink,
  type SinkResult,
  type TokenMeterError,
  createMeter,
  memoryOutbox,
} from '../src/index.ts'
import { RequestLifetime } from '../src/meter/wait-until.ts'
import { DeliveryWaiter } from '../src/delivery/await-delivery.ts'
import { Backend, quick, usage } from './backend.ts'

const vercel = Symbol.for('@vercel/request-context')
let backend: Backend
let promises: Promise<unknown>[]
let errors: TokenMeterError[]
const waitUntil = (promise: Promise<unknown>) => void promises.push(promise)

beforeEach(() => {
  backend = new Backend()
  promises = []
  errors = []
})
afterEach(() => {
  vi.useRealTimers()
  Reflect.deleteProperty(globalThis, vercel)
})

function start(options: Partial<MeterOptions> = {}) {
  return createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [backend.sink()],
    delivery: quick,
    onError: (error) => void errors.push(error),
    ...options,
  })
}

test('usage of one turn shares a promise, which ends when all of it is delivered', async () => {
  await using meter = start({ waitUntil })
  await Promise.all([meter.record(usage('r0')), meter.record(usage('r1'))])
  expect(promises).toHaveLength(1)
  await promises[0]
  expect(backend.accepted).toEqual(['r0', 'r1'])
  await meter.record(usage('r2'))
  expect(promises).toHaveLength(2)
  await promises[1]
  expect(backend.accepted).toEqual(['r0', 'r1', 'r2'])
})

test('a backend that takes nothing keeps the platform waiting for 25 s, and the promise never rejects', async () => {
  vi.useFakeTimers()
  backend.down = new Error('down')
  const meter = start({ waitUntil })
  await meter.record(usage('r0'))
  let isOver = false
  void promises[0]?.then(() => (isOver = true))
  await vi.advanceTimersByTimeAsync(24_900)
  expect(isOver).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect(isOver).toBe(true)
  expect(errors.filter(({ code }) => code === 'flush')).toHaveLength(1)
  expect((await meter.stats()).sinks['backend']?.pending).toBe(1)
  backend.down = undefined
  await vi.advanceTimersByTimeAsync(1000)
  await meter.close()
  expect(backend.accepted).toEqual(['r0'])
})

test('usage in memory that is late, or that nobody is named for, is told whole', async () => {
  vi.useFakeTimers()
  backend.down = new Error('down')
  const meter = start({ waitUntil })
  await meter.record(usage('late'))
  await vi.advanceTimersByTimeAsync(26_000)
  await promises[0]
  expect(errors).toMatchObject([{ code: 'flush', records: [{ id: 'late' }] }])
  backend.down = undefined
  const unattributed = exampleRecord({ customer: null })
  const lifetime = new RequestLifetime({
    waiter: new DeliveryWaiter(memoryOutbox(), []),
    waitUntil,
    onError: (error) => void errors.push(error),
  })
  void lifetime.extend([unattributed])
  await vi.advanceTimersByTimeAsync(10)
  await promises[1]
  expect(errors.at(-1)).toMatchObject({ code: 'flush', records: [{ id: unattributed.id }] })
})

test('a request is held while a batch is being sent that another request waits for', async () => {
  const gates: (() => void)[] = []
  const gated: Sink = {
    name: 'gated',
    async send({ entries }) {
      await new Promise<void>((resolve) => void gates.push(resolve))
      return entries.map(() => ({ status: 'accepted' }))
    },
  }
  await using meter = start({ waitUntil, sinks: [gated] })
  await meter.record(usage('r0'))
  await vi.waitFor(() => expect(gates).toHaveLength(1))
  await meter.record(usage('r1'))
  let isOver = false
  void promises[0]?.then(() => (isOver = true))
  gates[0]?.()
  await vi.waitFor(() => expect(gates).toHaveLength(2))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(isOver).toBe(false)
  gates[1]?.()
  await Promise.all(promises)
  expect((await meter.stats()).sinks['gated']?.delivered).toBe(2)
})

test('a waitUntil that throws is reported, and usage is delivered all the same', async () => {
  await using meter = start({
    waitUntil: () => {
      throw new Error('not in a request')
    },
  })
  await meter.record(usage('r0'))
  expect(errors).toMatchObject([{ code: 'observer' }])
  await meter.flush()
  expect(backend.accepted).toEqual(['r0'])
})

test("Vercel's own is used where there is one, and one of yours in its place", async () => {
  const own: Promise<unknown>[] = []
  Object.assign(globalThis, {
    [vercel]: { get: () => ({ waitUntil: (promise: Promise<unknown>) => void own.push(promise) }) },
  })
  await using meter = start()
  await meter.record(usage('r0'))
  await Promise.all(own)
  expect([own.length, backend.accepted]).toEqual([1, ['r0']])

  await using explicit = start({ waitUntil })
  await explicit.record(usage('r1'))
  expect([own.length, promises.length]).toEqual([1, 1])
})

test('outside of a request of Vercel nothing is handed over', async () => {
  Object.assign(globalThis, { [vercel]: { get: () => undefined } })
  await using meter = start()
  await meter.record(usage('r0'))
  await meter.flush()
  expect([errors, backend.accepted]).toEqual([[], ['r0']])
})

test('a sink that waits for company is not waited for', async () => {
  await using meter = start({ waitUntil, sinks: [backend.sink('slow', { lingerMs: 3_600_000 })] })
  await meter.record(usage('r0'))
  await promises[0]
  expect(backend.accepted).toEqual(['r0'])
})

test('with awaitDeliveryMs, usage is delivered when its call has resolved', async () => {
  await using meter = start({ awaitDeliveryMs: 20_000 })
  await meter.record(usage('r0'))
  expect(backend.accepted).toEqual(['r0'])
})

test('it waits until each of two sinks has it', async () => {
  const other = new Backend()
  await using meter = start({
    awaitDeliveryMs: 20_000,
    sinks: [backend.sink('one'), other.sink('two')],
  })
  await meter.record(usage('r0'))
  expect([backend.accepted, other.accepted]).toEqual([['r0'], ['r0']])
})

test('a backend that fails delays the call by that and no more, and fails none', async () => {
  vi.useFakeTimers()
  backend.down = new Error('down')
  const meter = start({ awaitDeliveryMs: 2000 })
  let isOver = false
  void meter.record(usage('r0')).then(() => (isOver = true))
  await vi.advanceTimersByTimeAsync(1990)
  expect(isOver).toBe(false)
  await vi.advanceTimersByTimeAsync(20)
  expect(isOver).toBe(true)
  expect(errors.map(({ code }) => code)).toContain('flush')
  backend.down = undefined
  await vi.advanceTimersByTimeAsync(1000)
  expect(backend.accepted).toEqual(['r0'])
  await meter.close()
})

test("it waits for no other call's usage", async () => {
  const outbox = await withOneThatWaits()
  const meter = start({ outbox, awaitDeliveryMs: 3_600_000, waitUntil })
  await meter.record(usage('r0'))
  await promises[0]
  expect(backend.accepted).toEqual(['r0'])
  expect((await meter.stats()).sinks['backend']?.pending).toBe(1)
  await meter.close({ timeoutMs: 0 }).catch(() => {})
})

test('usage that is refused for good is not waited for longer', async () => {
  const outbox = await withOneThatWaits({ status: 'rejected', reason: 'no such customer' })
  const meter = start({ outbox, awaitDeliveryMs: 3_600_000 })
  await meter.record(usage('r0'))
  const { sinks } = await meter.stats()
  expect(sinks['backend']).toMatchObject({ dead: 1, pending: 1 })
  await meter.close({ timeoutMs: 0 }).catch(() => {})
})

/** An outbox with a record that is to be retried much later; the answer is that to all others. */
async function withOneThatWaits(answer?: SinkResult) {
  const later: SinkResult = { status: 'retry', reason: 'not yet', afterMs: 3_600_000 }
  backend.answer = (id) => (id === 'waits' ? later : answer)
  const outbox = memoryOutbox()
  outbox.append([{ ...exampleRecord(), id: 'waits' }])
  const batch = await outbox.claim('backend', { limit: 1, leaseMs: 1000 })
  if (batch !== undefined) await outbox.settle(batch, [later])
  return outbox
}

test('what another worker delivers is not waited for longer', async () => {
  const outbox = memoryOutbox()
  const idle = { ...quick, lingerMs: 3_600_000, pollMs: 3_600_000 }
  const meter = start({ outbox, awaitDeliveryMs: 3_600_000, delivery: idle })
  const worker = start({ outbox })
  await meter.record(usage('r0'))
  expect(backend.accepted).toEqual(['r0'])
  await Promise.all([worker.close(), meter.close()])
})

test('an outbox that fails is told to who recorded', async () => {
  const append = async () => {
    throw new Error('disk full')
  }
  await using meter = start({ outbox: { ...memoryOutbox(), append }, awaitDeliveryMs: 3_600_000 })
  await expect(meter.record(usage('r0'))).rejects.toMatchObject({ code: 'outbox' })
  expect(errors).toMatchObject([{ code: 'outbox', records: [{ id: 'r0' }] }])
})

test.each([
  { waitUntil: 'later' },
  { awaitDeliveryMs: -1 },
  { awaitDeliveryMs: Number.POSITIVE_INFINITY },
  { awaitDeliveryMs: true },
])('%o is refused', (wrong) => {
  expect(() => start(wrong as never)).toThrow(expect.objectContaining({ code: 'config' }))
})
