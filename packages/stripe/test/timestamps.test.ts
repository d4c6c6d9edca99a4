import { aggregated, createMeter, memoryOutbox } from '@token-meter/core'
import { startFakeStripe, type FakeStripeOptions } from '@token-meter/testkit'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { stripeSink, type StripeSinkOptions } from '../src/index.ts'
import { billedSums, expectedSums, recordsOf } from './recorded.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

afterEach(() => void vi.useRealTimers())

async function start(
  options: Partial<StripeSinkOptions> = {},
  sums = false,
  fakeOptions: FakeStripeOptions = {},
) {
  // Only the clock of the day: the sink and the fake read it, and timers go on.
  vi.useFakeTimers({ toFake: ['Date'] })
  const stripe = await startFakeStripe(fakeOptions)
  const { apiKey, url: baseUrl } = stripe
  const outbox = memoryOutbox()
  const sink = stripeSink({ apiKey, baseUrl, ...options })
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [sums ? aggregated(sink) : sink],
    delivery: { lingerMs: 1, pollMs: 20 },
    onError: () => {},
  })
  onTestFinished(async () => {
    await meter.close({ timeoutMs: 10 }).catch(() => {})
    await stripe.close()
  })
  return { stripe, outbox, meter }
}

const ways = [
  ['v1', { api: 'v1' }, false],
  ['v2', { api: 'v2' }, false],
  ['stream', { api: 'stream' }, false],
  ['sums', {}, true],
] as const

test.each(ways)(
  'of a 35-day-old backlog, what is too old is dead and the rest arrives (%s)',
  async (_, options, sums) => {
    const { stripe, outbox, meter } = await start(options, sums)
    const old = recordsOf(5, 300, { at: Date.now() - 35 * dayMs - minuteMs })
    const fresh = recordsOf(5, 40).map((record) => ({ ...record, id: `fresh ${record.id}` }))
    await outbox.append([...old, ...fresh])
    const { sinks } = await meter.flush()
    expect(sinks['stripe']).toMatchObject({ delivered: 40, dead: 300, pending: 0 })
    expect(billedSums(stripe)).toEqual(expectedSums(fresh))
    // None of them was tried.
    expect(stripe.requests.every(({ status }) => status === 200)).toBe(true)
    const [dead] = await outbox.deadLetters('stripe', 1)
    expect(dead?.reason).toMatch(/^it is dated \d{4}-.*past 35 calendar days/)
  },
)

test.each(ways)(
  'a record of a clock that is ahead waits for its time, and nothing for it (%s)',
  async (_, options, sums) => {
    const { stripe, outbox, meter } = await start(options, sums)
    const within = recordsOf(1, 1, { at: Date.now() + 4 * minuteMs })
    const ahead = recordsOf(1, 1, { at: Date.now() + 7 * minuteMs })
    const all = [...ahead.map((each) => ({ ...each, id: 'ahead' })), ...within, ...later()]
    await outbox.append(all)
    await expect(meter.flush({ timeoutMs: 1500 })).rejects.toMatchObject({
      pending: { stripe: 1 },
      message: expect.stringMatching(/more than 5 minutes ahead/),
    })
    const stats = await outbox.stats('stripe')
    expect(stats).toMatchObject({ delivered: all.length - 1, pending: 1, dead: 0 })
    vi.setSystemTime(Date.now() + 3 * minuteMs)
    await meter.flush()
    expect(billedSums(stripe)).toEqual(expectedSums(all))
  },
)

test.each(['v1', 'v2'] as const)(
  "a clock of ours that is ahead of Stripe's makes no dead letters (%s)",
  async (api) => {
    let aheadMs = 6 * minuteMs
    const { stripe, outbox, meter } = await start({ api }, false, {
      now: () => Date.now() - aheadMs,
    })
    const records = recordsOf(2, 4)
    const older = recordsOf(2, 4, { at: Date.now() - 10 * minuteMs })
    await outbox.append([...records, ...older.map((each) => ({ ...each, id: `old ${each.id}` }))])
    await expect(meter.flush({ timeoutMs: 1500 })).rejects.toMatchObject({
      pending: { stripe: 4 },
      message: expect.stringMatching(/ahead of Stripe's clock/),
    })
    expect(await outbox.stats('stripe')).toMatchObject({ delivered: 4, pending: 4, dead: 0 })
    aheadMs = 0
    await meter.flush()
    expect(billedSums(stripe)).toEqual(expectedSums([...records, ...older]))
  },
)

function later() {
  return recordsOf(3, 9).map((record) => ({ ...record, id: `later ${record.id}` }))
}
