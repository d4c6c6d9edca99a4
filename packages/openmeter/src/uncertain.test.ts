import { memoryOutbox } from '@token-meter/core'
import type { SinkResult } from '@token-meter/core/sink'
import { exampleRecord, startFakeOpenMeter, type Fault } from '@token-meter/testkit'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { openMeterSink } from './open-meter-sink.ts'

const hour = 60 * 60_000
const always = { times: Infinity }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-21T10:00:00Z') })
})
afterEach(() => void vi.useRealTimers())

function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

/** A fake OpenMeter, and an outbox with one record of three events. */
async function start(duplicateWindowMs?: number) {
  const fake = await startFakeOpenMeter({ duplicateWindowMs: duplicateWindowMs ?? 24 * hour })
  onTestFinished(() => fake.close())
  const outbox = memoryOutbox()
  void outbox.append([exampleRecord({ id: 'r0', at: Date.now() })])
  const { apiKey, url } = fake
  /** Claims, sends and, but for a crash, settles what is due. */
  const attempt = async ({ crash = false } = {}): Promise<SinkResult | undefined> => {
    const sink = openMeterSink({ apiKey, url, timeoutMs: 300, duplicateWindowMs })
    const batch = await outbox.claim('openmeter', { limit: 100, leaseMs: 1000 })
    if (batch === undefined) return undefined
    const results = await sink.send(batch, new AbortController().signal)
    if (!crash) await outbox.settle(batch, results)
    return results[0]
  }
  return { fake, outbox, attempt }
}

const lost: readonly (readonly [string, Fault])[] = [
  ['a connection cut', { connection: 'reset', processed: true }],
  ['no answer', { connection: 'hang', processed: true }],
  ['a 500', { status: 500, processed: true }],
  ['an answer of something else', { status: 200, body: { ok: true }, processed: true }],
]

test.each(lost)('%s after the effect, 25 hours of silence: not billed twice', async (_, fault) => {
  const { fake, outbox, attempt } = await start()
  fake.failWith(fault, always)
  expect(await attempt()).toMatchObject({ status: 'retry', uncertain: true })
  expect(fake.events).toHaveLength(3)
  fake.recover()
  passTime(25 * hour)
  expect(await attempt()).toMatchObject({ status: 'rejected' })
  expect(fake.events).toHaveLength(3)
  expect(fake.requests).toHaveLength(1)
  const reason = expect.stringMatching(
    /^uncertain: .*unknown since 2026-11-21T10:00:00\.000Z.*for 24 hours.*requeue/,
  )
  expect(await outbox.deadLetters('openmeter')).toMatchObject([
    { record: { id: 'r0' }, reason, code: 'uncertain', since: expect.any(Number) },
  ])
})

test.each(lost)('%s after the effect, 22 hours of silence: billed once', async (_, fault) => {
  const { fake, attempt } = await start()
  fake.failWith(fault, always)
  await attempt()
  fake.recover()
  passTime(22 * hour)
  expect(await attempt()).toMatchObject({ status: 'accepted' })
  expect(fake.events).toHaveLength(3)
})

test('the window is that of the server: 32 days, or none', async () => {
  const long = await start(32 * 24 * hour)
  long.fake.failWith({ status: 500, processed: true }, always)
  await long.attempt()
  long.fake.recover()
  passTime(30 * 24 * hour)
  expect(await long.attempt()).toMatchObject({ status: 'accepted' })
  expect(long.fake.events).toHaveLength(3)
  const none = await start(0)
  none.fake.failWith({ status: 500, processed: true }, always)
  await none.attempt()
  none.fake.recover()
  expect(await none.attempt()).toMatchObject({
    status: 'rejected',
    reason: expect.stringMatching(/^uncertain: .*no duplicates \(duplicateWindowMs: 0\)/),
  })
  expect(none.fake.events).toHaveLength(3)
})

test.each([401, 403, 404, 429])('a day of %i, then none: billed once', async (status) => {
  const { fake, attempt } = await start()
  fake.failWith({ status }, always)
  for (let turn = 0; turn < 5; turn++) {
    expect(await attempt()).toMatchObject({ status: 'retry' })
    passTime(7 * hour)
  }
  fake.recover()
  expect(await attempt()).toMatchObject({ status: 'accepted' })
  expect(fake.events).toHaveLength(3)
})

test('a crash between send and settle: sent again with the same ids, counted once', async () => {
  const { fake, attempt } = await start()
  expect(await attempt({ crash: true })).toMatchObject({ status: 'accepted' })
  passTime(2000)
  expect(await attempt()).toMatchObject({ status: 'accepted' })
  const [first, second] = fake.requests
  expect(second?.rawBody).toBe(first?.rawBody)
  expect(fake.events).toHaveLength(3)
  expect(fake.duplicates()).toBe(3)
})

test('a crash, found 25 hours later: not billed twice', async () => {
  const { fake, attempt } = await start()
  await attempt({ crash: true })
  passTime(25 * hour)
  expect(await attempt()).toMatchObject({ status: 'rejected' })
  expect(fake.events).toHaveLength(3)
})
