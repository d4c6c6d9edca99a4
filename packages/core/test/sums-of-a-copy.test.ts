import { exampleRecord } from '@token-meter/testkit/suites'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMeter } from '../src/meter/meter.ts'
import { memoryOutbox } from '../src/outbox/memory/memory-outbox.ts'
import type { Outbox } from '../src/outbox/outbox.ts'
import { aggregated } from '../src/sink/aggregated-sink.ts'
import { keepingSums } from '../src/sink/send-sums.ts'
import type { SendProgress } from '../src/sink/send-progress.ts'
import type { Sink } from '../src/sink/sink.ts'
import type { SinkResult } from '../src/sink/sink-result.ts'

/** Delivers sums to a backend that loses its first answers. */
function start(outbox: Outbox, lost: number) {
  const sent: (readonly string[])[] = []
  const backend: Sink = {
    name: 'backend',
    async send({ entries }): Promise<SinkResult[]> {
      sent.push(entries.map(({ record }) => record.id))
      if (sent.length <= lost) throw new Error('the connection was cut')
      return entries.map(() => ({ status: 'accepted' }))
    },
  }
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [aggregated(backend, { lingerMs: 0 })],
    delivery: { backoff: { baseMs: 20, maxMs: 100 } },
    onError: () => {},
  })
  // The dead letters that it tells of are what is tested.
  onTestFinished(() => meter.close().catch(() => {}))
  return { meter, sent }
}

test('a sum whose answer was lost at its first attempt is sent again as it was', async () => {
  const outbox = memoryOutbox()
  void outbox.append([exampleRecord(), exampleRecord()])
  const { meter, sent } = start(outbox, 1)
  const { sinks } = await meter.flush()
  expect(sinks['backend']).toMatchObject({ delivered: 2, dead: 0 })
  expect(sent).toHaveLength(2)
  expect(sent[1]).toEqual(sent[0])
})

test('of a copy, batches of before are summed as they were, and the rest is left to be compared', async () => {
  let nowMs = Date.now() - 60_000
  const outbox = memoryOutbox({ now: () => nowMs })
  const [batched, waiting] = [exampleRecord(), exampleRecord()]
  void outbox.append([batched])
  const batch = await outbox.claim('backend', { limit: 10, leaseMs: 1000 })
  nowMs += 10_000
  void outbox.append([waiting])
  expect(await outbox.distrust(nowMs)).toBe(2)
  nowMs += 10_000
  const later = exampleRecord()
  void outbox.append([later])
  const { meter, sent } = start(outbox, 0)
  await meter.flush()
  expect(batch?.entries).toHaveLength(1)
  expect(sent.flat()).toHaveLength(2)
  expect(await outbox.stats('backend')).toMatchObject({ delivered: 2, dead: 1, pending: 0 })
  expect(await outbox.deadLetters('backend')).toMatchObject([
    {
      record: waiting,
      reason: expect.stringMatching(/^uncertain: .*copy.*requeue/),
      code: 'uncertain_sum',
      since: expect.any(Number),
    },
  ])
})

/** What a sink reports, where its answer says the same. */
const unheard: SendProgress = {
  sending: async () => ({ check: () => {}, over: () => {} }),
  known: () => {},
}

describe('of a copy whose batch was tried before', () => {
  let nowMs = Date.now() - 60_000
  const sent: (readonly string[])[] = []
  let answer: SinkResult | undefined
  const backend: Sink = {
    name: 'backend',
    async send({ entries }) {
      sent.push(entries.map(({ record }) => record.id))
      if (answer === undefined) throw new Error('the connection was cut')
      return entries.map(() => answer as SinkResult)
    },
  }
  const deliver = async (outbox: Outbox, sink: Sink) => {
    const batch = await outbox.claim('backend', { limit: 10, leaseMs: 1000, isMarked: true })
    if (batch === undefined) throw new Error('nothing could be claimed')
    const { signal } = new AbortController()
    await outbox.settle(batch, await sink.send(batch, signal, unheard))
  }
  /** Two records that were tried as one sum, in what is then found to be a copy. */
  const copied = async (first: SinkResult | undefined) => {
    const outbox = memoryOutbox({ now: () => nowMs })
    void outbox.append([exampleRecord({ at: 1000 }), exampleRecord({ at: 1010 })])
    sent.length = 0
    answer = first
    await deliver(outbox, aggregated(backend))
    expect(sent).toEqual([[expect.any(String)]])
    nowMs += 10_000
    await outbox.distrust(nowMs)
    answer = { status: 'accepted' }
    return outbox
  }

  test('the sums of the original are sent, which goes on with them', async () => {
    const outbox = await copied({ status: 'retry', reason: 'busy' })
    await deliver(outbox, aggregated(backend))
    expect(sent[1]).toEqual(sent[0])
    expect(await outbox.stats('backend')).toMatchObject({ delivered: 2 })
  })

  test('a sum that may have arrived is sent as it was, whatever the options are now', async () => {
    const outbox = await copied(undefined)
    await deliver(outbox, aggregated(backend, { windowMs: 1 }))
    expect(sent[1]).toEqual(sent[0])
  })

  test('a sink that makes no sums gets the records by themselves', async () => {
    const outbox = await copied({ status: 'retry', reason: 'busy' })
    await deliver(outbox, keepingSums(backend))
    expect(sent[1]).toHaveLength(2)
  })
})
