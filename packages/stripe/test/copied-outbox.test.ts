import { copyFileSync } from 'node:fs'
import { aggregated, createMeter, type Sink } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { type FakeStripe, startFakeStripe } from '@token-meter/testkit'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { stripeSink } from '../src/index.ts'
import { billedSums, expectedSums, recordsOf } from './recorded.ts'

const hour = 60 * 60_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

/** Delivers all that waits in a file, and returns what became of it. */
async function deliver(file: string, stripe: FakeStripe, wrap = (sink: Sink) => sink) {
  const { apiKey, url: baseUrl } = stripe
  const errors: Error[] = []
  const meter = createMeter({
    providers: [],
    outbox: sqliteOutbox(file, { now: () => Date.now() }),
    sinks: [wrap(stripeSink({ apiKey, baseUrl }))],
    delivery: { lingerMs: 1, pollMs: 20 },
    onError: (error) => errors.push(error),
  })
  await meter.flush().catch(() => {})
  const found = { errors, stats: await meter.outbox.stats('stripe') }
  await meter.close().catch(() => {})
  return found
}

async function start() {
  const stripe = await startFakeStripe()
  onTestFinished(() => stripe.close())
  const file = temporaryFile()
  const outbox = sqliteOutbox(file, { now: () => Date.now() })
  const records = recordsOf(5, 60).map((record) => ({ ...record, at: Date.now() }))
  await outbox.append(records)
  outbox.close()
  const copy = temporaryFile()
  copyFileSync(file, copy)
  return { stripe, file, copy, records }
}

const later = async (file: string) => {
  const outbox = sqliteOutbox(file, { now: () => Date.now() })
  const [record] = recordsOf(1, 1)
  if (record === undefined) throw new Error('no record')
  const fresh = { ...record, id: 'fresh', at: Date.now() }
  await outbox.append([fresh])
  outbox.close()
  return fresh
}

test('a copy opened 25 hours later bills nothing again, and what comes later once', async () => {
  const { stripe, file, copy, records } = await start()
  expect((await deliver(file, stripe)).stats).toMatchObject({ delivered: 60, pending: 0 })
  expect(billedSums(stripe)).toEqual(expectedSums(records))
  passTime(25 * hour)
  const fresh = await later(copy)
  expect((await deliver(copy, stripe)).stats).toMatchObject({ pending: 0, dead: 60, delivered: 1 })
  expect(billedSums(stripe)).toEqual(expectedSums([...records, fresh]))
})

test('a copy opened 22 hours later is sent as usual, and Stripe bills nothing twice', async () => {
  const { stripe, file, copy, records } = await start()
  await deliver(file, stripe)
  const events = stripe.meterEvents.length
  passTime(22 * hour)
  expect((await deliver(copy, stripe)).stats).toMatchObject({ pending: 0, dead: 0, delivered: 60 })
  expect(stripe.meterEvents).toHaveLength(events)
  expect(billedSums(stripe)).toEqual(expectedSums(records))
})

test('a copy whose original never went on: what waits is sent within the time', async () => {
  const { stripe, copy, records } = await start()
  passTime(2 * hour)
  const { stats, errors } = await deliver(copy, stripe)
  expect(stats).toMatchObject({ delivered: 60 })
  expect(billedSums(stripe)).toEqual(expectedSums(records))
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/is a copy, or was restored.* 60 records that wait/),
  ])
})

test('the file itself, after a weekend: all of it is sent', async () => {
  const { stripe, file, records } = await start()
  passTime(70 * hour)
  expect((await deliver(file, stripe)).stats).toMatchObject({ delivered: 60, dead: 0 })
  expect(billedSums(stripe)).toEqual(expectedSums(records))
})

test('a snapshot that is distrusted bills nothing again', async () => {
  const { stripe, file, records } = await start()
  const folderAndAll = temporaryFile()
  copyFileSync(file, folderAndAll)
  await deliver(file, stripe)
  // Everything as it was, in the same place: the content goes back into the file, the mark too.
  copyFileSync(`${file}-beat`, `${folderAndAll}-beat`)
  passTime(25 * hour)
  copyFileSync(folderAndAll, file)
  const outbox = sqliteOutbox(file, { now: () => Date.now() })
  expect(await outbox.distrust()).toBe(60)
  await outbox.close()
  expect((await deliver(file, stripe)).stats).toMatchObject({ dead: 60, delivered: 0 })
  expect(billedSums(stripe)).toEqual(expectedSums(records))
})

test.each([22, 25])(
  'sums of a copy, %i hours later: the original may have sent others, so none is sent',
  async (hours) => {
    const { stripe, file, copy, records } = await start()
    const sums = (sink: Sink) => aggregated(sink, { lingerMs: 0 })
    expect((await deliver(file, stripe, sums)).stats).toMatchObject({ delivered: 60 })
    const billed = billedSums(stripe)
    expect(billed).toEqual(expectedSums(records))
    passTime(hours * hour)
    const fresh = await later(copy)
    expect((await deliver(copy, stripe, sums)).stats).toMatchObject({ dead: 60, delivered: 1 })
    expect(billedSums(stripe)).toEqual(expectedSums([...records, fresh]))
  },
)
