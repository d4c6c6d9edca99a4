import {
  aggregated,
  createMeter,
  memoryOutbox,
  type Sink,
  type SinkResult,
} from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import {
  never,
  recordsOf,
  startFakeMetronome,
  type FakeMetronome,
  type Fault,
} from '@token-meter/testkit'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { metronomeSink } from '../src/index.ts'

const hourMs = 60 * 60_000
const dayMs = 24 * hourMs

beforeEach(() => {
  // Only the clock of the day: timers go on.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-21T10:00:00Z') })
})
afterEach(() => void vi.useRealTimers())

function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

const sinkOn = ({ bearerToken, url }: FakeMetronome) =>
  metronomeSink({ bearerToken, baseUrl: url, timeoutMs: 300 })

/** A fake Metronome, and an outbox with one record. */
async function start(at = Date.now()) {
  const fake = await startFakeMetronome()
  onTestFinished(() => fake.close())
  const outbox = memoryOutbox()
  void outbox.append(recordsOf(1, { at }))
  /** Claims, sends and settles what is due. */
  const attempt = async (sink: Sink = sinkOn(fake)): Promise<SinkResult | undefined> => {
    const batch = await outbox.claim('metronome', { limit: 100, leaseMs: 1000 })
    if (batch === undefined) return undefined
    const results = await sink.send(batch, never)
    await outbox.settle(batch, results)
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

test.each(lost)('%s after the effect, then 33 days of silence: billed once', async (_, fault) => {
  const { fake, outbox, attempt } = await start()
  fake.failWith(fault)
  expect(await attempt()).toMatchObject({ status: 'retry', uncertain: true })
  expect(fake.events).toHaveLength(1)
  passTime(33 * dayMs)
  expect(await attempt()).toMatchObject({ status: 'accepted' })
  expect(fake.events).toHaveLength(1)
  expect(fake.duplicates).toBe(1)
  expect(await outbox.stats('metronome')).toMatchObject({ delivered: 1, dead: 0 })
})

// Dated ahead, so that it is the duplicate window and not its age that counts.
test.each([0, 20 * hourMs])(
  '%s: unknown for 34 days is a dead letter that says so',
  async (ahead) => {
    const { fake, outbox, attempt } = await start(Date.now() + ahead)
    fake.failWith({ connection: 'reset', processed: true })
    await attempt()
    passTime(34 * dayMs)
    expect(await attempt()).toMatchObject({ status: 'rejected' })
    expect(fake.requests).toHaveLength(1)
    const reason = expect.stringMatching(/^uncertain: .*since 2026-11-21T10:00:00\.000Z.*34 days/)
    expect(await outbox.deadLetters('metronome')).toMatchObject([{ record: { id: 'r0' }, reason }])
  },
)

test.each([401, 403, 404, 429])('33 days of %i, then none: billed once', async (status) => {
  const { fake, attempt } = await start()
  fake.failWith({ status }, { times: Infinity })
  for (let turn = 0; turn < 3; turn++) {
    expect(await attempt()).toMatchObject({ status: 'retry' })
    passTime(11 * dayMs)
  }
  fake.recover()
  expect(await attempt()).toMatchObject({ status: 'accepted' })
  expect(fake.billed().map(({ value }) => value)).toEqual([10, 5, 7])
})

test('killed after the send and before it was settled: billed once', async () => {
  const { fake, outbox, attempt } = await start()
  const batch = await outbox.claim('metronome', { limit: 100, leaseMs: 1000 })
  if (batch !== undefined) await sinkOn(fake).send(batch, never)
  expect(fake.events).toHaveLength(1)
  passTime(hourMs)
  // As another process would.
  expect(await attempt(sinkOn(fake))).toMatchObject({ status: 'accepted' })
  expect(fake.events).toHaveLength(1)
  expect(fake.requests).toHaveLength(2)
  const [first, second] = fake.requests
  expect(second?.rawBody).toBe(first?.rawBody)
})

test('of a backlog, what is too old is dead, and neither it nor what is ahead hinders the rest', async () => {
  const { fake, outbox } = await start()
  const old = recordsOf(150, { at: Date.now() - 34 * dayMs - 1 })
  await outbox.append(old.map((record) => ({ ...record, id: `old ${record.id}` })))
  const ahead = recordsOf(1, { at: Date.now() + dayMs + hourMs })
  await outbox.append(ahead.map((record) => ({ ...record, id: 'ahead' })))
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [sinkOn(fake)],
    delivery: { lingerMs: 1, pollMs: 20 },
    onError: () => {},
  })
  onTestFinished(() => meter.close({ timeoutMs: 10 }).catch(() => {}))
  const reasons: string[] = []
  meter.on('retrying', ({ reason }) => void reasons.push(reason))
  await expect(meter.flush({ timeoutMs: 1000 })).rejects.toMatchObject({ code: 'flush' })
  expect(reasons[0]).toMatch(/more than 24 hours ahead/)
  expect(await outbox.stats('metronome')).toMatchObject({ delivered: 1, dead: 150, pending: 1 })
  expect(fake.requests.every(({ status }) => status === 200)).toBe(true)
})

test('sums are billed once, however often they are sent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-metronome-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const outbox = sqliteOutbox(join(folder, 'usage.db'))
  const fake = await startFakeMetronome()
  onTestFinished(() => fake.close())
  await outbox.append(recordsOf(500))
  fake.failWith({ connection: 'reset', processed: true })
  fake.failWith({ status: 500 })
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [aggregated(sinkOn(fake))],
    delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 5, maxMs: 20 } },
    onError: () => {},
  })
  await meter.flush()
  expect(await outbox.stats('metronome')).toMatchObject({ delivered: 500, pending: 0, dead: 0 })
  expect(fake.billed().map(({ value }) => value)).toEqual([5000, 2500, 3500])
  expect(fake.events.length).toBeLessThan(5)
  await meter.close()
})
