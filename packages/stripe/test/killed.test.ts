import { aggregated, createMeter, toMeterEvents, type Sink } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { startFakeStripe, type FakeStripe } from '@token-meter/testkit'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { stripeSink } from '../src/index.ts'
import { billedSums, expectedSums, recordsOf } from './recorded.ts'
import { spawnDelivery } from './spawn-delivery.ts'

afterEach(() => {
  vi.useRealTimers()
})

const inFlight = 12
const lives = 4
const hourMs = 60 * 60_000

/** The event of a request; one that was cut off by a kill names none. */
function eventOf({ rawBody }: FakeStripe['requests'][number]): string | undefined {
  return /"?identifier"?[:=]"?([^"&]+)/.exec(rawBody)?.[1]
}

/** Events of more than one request. */
function sentAgain({ requests }: FakeStripe): ReadonlySet<string> {
  const ids = requests.map(eventOf).filter((id) => id !== undefined)
  return new Set(ids.filter((id, index) => ids.indexOf(id) < index))
}

/** Events of so many first requests that are also in a later one. */
function sentAgainAfter({ requests }: FakeStripe, first: number): readonly string[] {
  const before = new Set(requests.slice(0, first).map(eventOf))
  const later = new Set(requests.slice(first).map(eventOf))
  return [...later].filter((id) => id !== undefined && before.has(id)) as string[]
}

async function slowStripe(latencyMs: number): Promise<FakeStripe> {
  const stripe = await startFakeStripe({ latencyMs })
  onTestFinished(() => stripe.close())
  return stripe
}

/** Delivers a file in this process, at the time that its clock says. */
async function deliverNow(file: string, stripe: FakeStripe, sums = false): Promise<void> {
  const { apiKey, url: baseUrl } = stripe
  const sink: Sink = stripeSink({ apiKey, baseUrl })
  const meter = createMeter({
    providers: [],
    outbox: sqliteOutbox(file),
    sinks: [sums ? aggregated(sink, { lingerMs: 0 }) : sink],
    delivery: { lingerMs: 0, pollMs: 20, backoff: { baseMs: 50, maxMs: 200 } },
    onError: () => {},
  })
  await meter.flush({ timeoutMs: 25_000 }).catch(() => {})
  await meter.close().catch(() => {})
}

test.each([
  [23.2, inFlight],
  [3, 0],
])(
  'killed with 12 events in flight, next life %d hours later: at most %d are uncertain',
  { timeout: 90_000 },
  async (hours, most) => {
    const file = temporaryFile()
    const records = recordsOf(40, 200)
    const outbox = sqliteOutbox(file)
    await outbox.append(records)
    const stripe = await slowStripe(150)
    const child = spawnDelivery(file, stripe, '', { maxConcurrentRequests: inFlight })
    await vi.waitFor(() => expect(stripe.requests.length).toBeGreaterThan(60), 20_000)
    child.kill()
    await child.ended
    const arrived = stripe.requests.length
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * hourMs })
    await deliverNow(file, stripe)
    const { delivered, dead, pending } = await outbox.stats('stripe')
    expect({ pending, known: delivered + dead }).toEqual({ pending: 0, known: records.length })
    expect(dead).toBeLessThanOrEqual(most)
    const letters = await outbox.deadLetters('stripe')
    for (const { code, since } of letters) {
      expect({ code, isNumber: typeof since === 'number' }).toEqual({
        code: 'uncertain',
        isNumber: true,
      })
    }
    // By the next life: what was known to have arrived is not sent again.
    const again = sentAgainAfter(stripe, arrived)
    if (most > 0) expect(again).toEqual([])
    expect(again.length).toBeLessThanOrEqual(inFlight)
    expect(arrived).toBeGreaterThan(60)
    // Other events of the same records are not uncertain with them.
    const entries = (await outbox.ledger('stripe', { states: ['dead'] })).entries
    const open = entries.flatMap(({ record, deliveredEventIds }) =>
      toMeterEvents(record).filter(({ id }) => !deliveredEventIds.includes(id)),
    )
    expect(open.length).toBeLessThanOrEqual(inFlight)
    // All is billed but what was about to be sent, which is uncertain as well.
    const billed = new Set(stripe.meterEvents.map(({ identifier }) => identifier))
    const lost = open.filter(({ id }) => !billed.has(id))
    const sums = billedSums(stripe)
    for (const { customer, dimensions, value } of lost) {
      const key = `${customer} ${dimensions.token_type}`
      sums[key] = (sums[key] ?? 0) + value
    }
    expect(sums).toEqual(expectedSums(records))
    await outbox.close()
  },
)

test.each([
  ['v2', ''],
  ['v2', 'aggregated'],
  ['v1', ''],
] as const)(
  'lives that are shorter than a batch get on (%s %s)',
  { timeout: 120_000 },
  async (api, sums) => {
    const file = temporaryFile()
    // Sums are of one customer each, so that there are enough of them.
    const records = recordsOf(sums === '' ? 40 : 100, 100)
    const outbox = sqliteOutbox(file)
    await outbox.append(records)
    const stripe = await slowStripe(200)
    let before = 0
    for (let life = 1; life <= lives; life++) {
      const seen = stripe.requests.length
      const child = spawnDelivery(file, stripe, sums, { api, maxConcurrentRequests: inFlight })
      const isOver = () => expect(stripe.requests.length).toBeGreaterThan(seen + 30)
      await Promise.race([vi.waitFor(isOver, 20_000), child.ended])
      child.kill()
      await child.ended
      const { meterEvents } = stripe
      if (meterEvents.length < records.length * 2) {
        expect(meterEvents.length).toBeGreaterThanOrEqual(before + 10)
      }
      before = meterEvents.length
    }
    expect((await outbox.stats('stripe')).delivered).toBeGreaterThan(15)
    await deliverNow(file, stripe, sums !== '')
    expect(billedSums(stripe)).toEqual(expectedSums(records))
    expect(await outbox.stats('stripe')).toMatchObject({ delivered: 100, dead: 0, pending: 0 })
    // Each kill sends again at most what was in flight.
    expect(sentAgain(stripe).size).toBeLessThanOrEqual(lives * inFlight)
    await outbox.close()
  },
)
