import { BatchProgress, LeaseTime } from '../src/delivery/batch-progress.ts'
import { expect, test, vi } from 'vitest'
import { attempt } from '../src/delivery/attempt.ts'
import { type Batch, type Sink, createMeter, memoryOutbox } from '../src/index.ts'
import { quick, usage } from './backend.ts'

/** A meter on one sink that answers what it is told, and then `accepted`. */
function startWith(answers: readonly unknown[], delivery = {}) {
  const waits: number[] = []
  let sends = 0
  const sink = {
    name: 'odd',
    send: async () => answers[sends++] ?? [{ status: 'accepted' }],
  } as unknown as Sink
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [sink],
    delivery: { ...quick, ...delivery },
    onError: () => {},
  })
  const reasons: string[] = []
  meter.on('retrying', ({ reason, afterMs }) => {
    reasons.push(reason)
    waits.push(afterMs)
  })
  return { meter, reasons, waits, sends: () => sends }
}

test.each([
  ['an unknown status', [{ status: 'error' }]],
  ['no status', [{ id: 7 }]],
  ['null', [null]],
  ['a hole', [undefined]],
  ['a rejection without a reason', [{ status: 'rejected' }]],
  ['a rejection whose reason is no text', [{ status: 'rejected', reason: { code: 1 } }]],
  ['no array', { status: 'accepted', length: 1 }],
])('%s is neither delivered nor dead, but comes again', async (_, answer) => {
  const { meter, reasons, sends } = startWith([answer, answer, answer])
  await meter.record(usage('r0'))
  const stats = await meter.flush()
  expect(sends()).toBe(4)
  expect(reasons[0]).toMatch(/"odd"/)
  expect(stats.sinks.odd).toMatchObject({ delivered: 1, dead: 0 })
  await meter.close()
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, '5'])(
  'afterMs %s is no wait at all',
  async (afterMs) => {
    const answer = [{ status: 'retry', reason: 'busy', afterMs }]
    const { meter, waits } = startWith([answer, answer, answer])
    await meter.record(usage('r0'))
    await meter.flush({ timeoutMs: 2000 })
    expect(waits[0]).toBeLessThanOrEqual(20)
    await meter.close()
  },
)

test('no sink holds a record up for more than an hour at a time', async () => {
  const answer = [{ status: 'retry', reason: 'busy', afterMs: 30 * 24 * 3600 * 1000 }]
  const { meter, waits } = startWith([answer])
  await meter.record(usage('r0'))
  await vi.waitFor(() => expect(waits).toEqual([3600 * 1000]))
  await meter.close({ timeoutMs: 10 }).catch(() => {})
})

test.each([
  ['a certain answer', [{ status: 'retry', reason: 'x' }], undefined],
  ['an uncertain answer', [{ status: 'retry', reason: 'x', uncertain: true }], true],
  ['an answer nobody understands', [{ status: 'error' }], true],
  ['too few answers', [], true],
])('%s tells whether the records may have arrived', async (_, answer, uncertain) => {
  const certain = [{ status: 'retry', reason: 'y' }]
  const answers = [answer, certain, certain]
  const sink = { name: 'odd', send: async () => answers.shift() } as unknown as Sink
  const entry = { record: usage('r0'), attempts: 0, deliveredEventIds: [] }
  const batch = { id: 'b', sink: 'odd', lease: 'l', entries: [entry] } as unknown as Batch
  const { signal } = new AbortController()
  const lease = new LeaseTime(60_000)
  const of = { outbox: memoryOutbox(), batch, lease, signal, ended: () => {} }
  const progress = new BatchProgress(sink, of)
  const [result] = await attempt(sink, batch, { ...quick, progress, signal })
  expect(result).toMatchObject({ status: 'retry', reason: 'y' })
  expect((result as { uncertain?: true }).uncertain).toBe(uncertain)
})

test('a sink that ignores its signal is given up, and its slot is free again', async () => {
  let sends = 0
  const sink: Sink = {
    name: 'deaf',
    send: () =>
      sends++ === 0 ? new Promise<never>(() => {}) : Promise.resolve([{ status: 'accepted' }]),
  }
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [sink],
    delivery: { ...quick, sendTimeoutMs: 40 },
  })
  const reasons: string[] = []
  meter.on('retrying', ({ reason }) => void reasons.push(reason))
  await meter.record(usage('r0'))
  await meter.flush({ timeoutMs: 1000 })
  expect(sends).toBe(2)
  expect(reasons).toEqual([expect.stringMatching(/"deaf".*did not answer within 40 ms/)])
  await meter.close()
})
