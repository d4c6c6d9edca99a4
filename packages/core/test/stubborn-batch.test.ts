import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test, vi } from 'vitest'
import { createMeter, memoryOutbox, type SinkResult } from '../src/index.ts'
import { Backend, quick, usage } from './backend.ts'

const hourMs = 60 * 60_000

test('a batch that fails again and again, alone, puts off nothing that comes', async () => {
  const backend = new Backend()
  // With a time, so that it is tried once each time.
  const later: SinkResult = { status: 'retry', reason: 'later', afterMs: 1 }
  backend.answer = (id) => (id === 'stubborn' ? later : undefined)
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [backend.sink()],
    delivery: { ...quick, backoff: { baseMs: hourMs, maxMs: hourMs } },
    onError: () => {},
  })
  await meter.record(usage('stubborn'))
  for (let times = 1; times <= 4; times++) {
    await vi.waitFor(() => expect(backend.batches).toHaveLength(times))
    // Until it is settled, there is nothing to expedite.
    await vi.waitFor(async () => {
      await meter.outbox.expedite('backend')
      expect(backend.batches.length).toBeGreaterThan(times)
    })
  }
  await meter.record(usage('fresh'))
  await vi.waitFor(() => expect(backend.accepted).toEqual(['fresh']))
  await meter.close({ timeoutMs: 10 }).catch(() => {})
})

test('a sink that answers at once leaves the process its turns in a long backlog', async () => {
  const backend = new Backend()
  const outbox = memoryOutbox()
  for (let index = 0; index < 1000; index++) void outbox.append([exampleRecord()])
  const sink = backend.sink('backend', { maxBatch: 1 })
  const meter = createMeter({ providers: [], outbox, sinks: [sink], delivery: quick })
  await vi.waitFor(() => expect(backend.accepted.length).toBeGreaterThan(0), { interval: 1 })
  expect(backend.accepted.length).toBeLessThan(1000)
  await meter.flush()
  expect(backend.accepted).toHaveLength(1000)
  await meter.close()
})
