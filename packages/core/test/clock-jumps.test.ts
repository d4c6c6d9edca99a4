import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMeter, memoryOutbox, type Sink, type SinkResult } from '../src/index.ts'
import { Backend, quick, usage } from './backend.ts'

const hourMs = 60 * 60_000

// Only the clock of the day: it jumps, and the one that timers go by does not.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

function start(sink: Sink, delivery = {}) {
  return createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [sink],
    delivery: { ...quick, ...delivery },
    onError: () => {},
  })
}

function jump(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

test.each([
  ['back an hour', -hourMs],
  ['forward a day', 24 * hourMs],
])('a retry that waits is not held up by a clock set %s', async (_, ms) => {
  const backend = new Backend()
  const waits: SinkResult = { status: 'retry', reason: 'busy', afterMs: 60 }
  let answers = 0
  backend.answer = () => (answers++ === 0 ? waits : undefined)
  const meter = start(backend.sink())
  await meter.record(usage('r0'))
  await vi.waitFor(() => expect(answers).toBe(1))
  jump(ms)
  await vi.waitFor(() => expect(backend.accepted).toEqual(['r0']), { timeout: 5000 })
  await meter.close()
})

test('a lease that a jump forward ends is a second send of the same records at the most', async () => {
  const sent: string[][] = []
  const answer = Promise.withResolvers<void>()
  const sink: Sink = {
    name: 'slow',
    maxConcurrentBatches: 2,
    async send({ id, entries }) {
      sent.push([id, ...entries.map(({ record }) => record.id)])
      await answer.promise
      return entries.map(() => ({ status: 'accepted' }))
    },
  }
  const meter = start(sink)
  await meter.record(usage('r0'))
  await vi.waitFor(() => expect(sent).toHaveLength(1))
  jump(24 * hourMs)
  await vi.waitFor(() => expect(sent).toHaveLength(2))
  answer.resolve()
  expect((await meter.flush()).sinks['slow']).toMatchObject({ delivered: 1, pending: 0 })
  expect(sent[1]).toEqual(sent[0])
  await meter.close()
})

test('a record that has to wait for its own time holds up no other', async () => {
  const backend = new Backend()
  backend.answer = (id) =>
    id.startsWith('early')
      ? { status: 'retry', reason: 'not yet', afterMs: hourMs, recordOnly: true }
      : undefined
  const meter = start(backend.sink('backend', { maxBatch: 1 }))
  for (const id of ['early1', 'early2', 'early3', 'r0', 'r1']) await meter.record(usage(id))
  await vi.waitFor(() => expect(backend.accepted).toEqual(['r0', 'r1']))
  await meter.close({ timeoutMs: 10 }).catch(() => {})
})
