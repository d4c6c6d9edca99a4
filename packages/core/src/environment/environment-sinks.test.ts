import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test, vi } from 'vitest'
import { memoryOutbox } from '../outbox/memory/memory-outbox.ts'
import type { Sink } from '../sink/sink.ts'
import { withSend } from '../sink/with-send.ts'
import { environmentSinks, lateSink } from './environment-sinks.ts'

async function start(reportsProgress: boolean) {
  const outbox = memoryOutbox()
  await outbox.append([exampleRecord({ id: 'a' }), exampleRecord({ id: 'b' })])
  const sent: string[] = []
  let made: Sink | undefined
  const late = lateSink('alpha', () => {
    if (made === undefined) throw new Error('its package is missing')
    return made
  })
  const sink = withSend(late, (...sending) => late.send(...sending))
  const make = () => {
    made = {
      name: 'alpha',
      reportsProgress,
      maxBatch: 50,
      async send({ entries }) {
        sent.push(...entries.map(({ record }) => record.id))
        return entries.map(() => ({ status: 'accepted' }))
      },
    }
  }
  const deliver = async () => {
    const isMarked = sink.reportsProgress === true
    const batch = (await outbox.claim('alpha', {
      limit: sink.maxBatch ?? 100,
      leaseMs: 60_000,
      isMarked,
    }))!
    const results = await sink.send(batch, new AbortController().signal)
    await outbox.settle(batch, results)
    return results
  }
  return { outbox, sink, sent, make, deliver }
}

test('until it can be made it sends nothing, and says so, and then it is as the one that was made', async () => {
  const { sink, sent, make, deliver } = await start(true)
  expect(sink).toMatchObject({ reportsProgress: true, maxBatch: 1 })
  expect(await deliver()).toMatchObject([{ status: 'retry', reason: 'its package is missing' }])
  make()
  expect(await deliver()).toMatchObject([{ status: 'accepted' }])
  expect(sent).toEqual(['b'])
  expect(sink).toMatchObject({ reportsProgress: true, maxBatch: 50 })
})

test('what was claimed as marked request by request is not sent by a sink that marks nothing', async () => {
  const { sink, sent, make, deliver } = await start(false)
  make()
  expect(await deliver()).toMatchObject([{ status: 'retry', afterMs: 0 }])
  expect(sent).toEqual([])
  expect(sink).toMatchObject({ reportsProgress: false, maxBatch: 50 })
  await deliver()
  await deliver()
  expect(sent.toSorted()).toEqual(['a', 'b'])
})

test.each([
  ['rk_test_123', false],
  ['rk_live_123', true],
  ['sk_org_test_123', false],
])('one that cannot be made yet is of the mode that its key shows: %s', (key, livemode) => {
  vi.stubEnv('NEXT_PHASE', 'phase-production-build')
  vi.stubEnv('STRIPE_RESTRICTED_KEY', key)
  const [sink] = environmentSinks(() => {})
  expect(sink).toMatchObject({ name: 'stripe', livemode })
  vi.unstubAllEnvs()
})
