import { createMeter, type Outbox, type Sink, startingFrom } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { metronomeSink } from '@token-meter/metronome'
import { stripeSink } from '@token-meter/stripe'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { exampleRecord, startFakeMetronome, startFakeStripe } from '../src/index.ts'
import { during } from './several-sinks/during.ts'

test('the page has the code that is run here', () => {
  const page = readFileSync(new URL('../../../docs/several-sinks.md', import.meta.url), 'utf8')
  const file = new URL('several-sinks/during.ts', import.meta.url)
  expect(page).toContain('```ts\n' + readFileSync(file, 'utf8') + '```\n')
})

const switchover = new Date(Date.now() - 60_000)

/** Usage around the switch, in any order: each call counts 1000 at first, 1 afterwards. */
const records = Array.from({ length: 250 }, (_, index) => {
  const isOld = (index * 7) % 5 < 2
  return exampleRecord({
    id: `r${index}`,
    at: switchover.getTime() + (isOld ? -1 - index : index),
    tokens: { input: isOld ? 1000 : 1, cachedInput: 0, cachedWrite: 0, output: 0 },
    attributes: {},
  })
})
const olds = records.filter(({ at }) => at < switchover.getTime()).length

async function start() {
  const stripe = await startFakeStripe()
  const metronome = await startFakeMetronome()
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-several-'))
  onTestFinished(async () => {
    await stripe.close()
    await metronome.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const open = (sinks: readonly Sink[]) => {
    const outbox: Outbox = sqliteOutbox(join(folder, 'usage.db'))
    const meter = createMeter({
      providers: [],
      outbox,
      sinks,
      delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 2, maxMs: 20 } },
      onError: () => {},
    })
    onTestFinished(() => meter.close({ timeoutMs: 0 }).catch(() => {}))
    return meter
  }
  const timeoutMs = 1000
  const old = () => stripeSink({ apiKey: stripe.apiKey, baseUrl: stripe.url, timeoutMs })
  const { bearerToken, url: baseUrl } = metronome
  const next = () => metronomeSink({ bearerToken, baseUrl, timeoutMs })
  const billed = () => ({
    stripe: stripe.billed().reduce((sum, { value }) => sum + value, 0),
    metronome: metronome.billed().reduce((sum, { value }) => sum + value, 0),
  })
  return { stripe, metronome, open, old, next, billed }
}

test('from one backend to another: each call on one bill, through faults and a restart', async () => {
  const { stripe, metronome, open, old, next, billed } = await start()
  const sinks = () => [
    during(old(), { until: switchover }),
    startingFrom(during(next(), { from: switchover }), 'now'),
  ]
  const first = open(sinks())
  // Known before anything comes, as it is where a process is deployed ahead of the switch.
  await first.outbox.registerSink('metronome', { sinceMs: 0 })
  for (const fake of [stripe, metronome]) {
    fake.failWith({ status: 500, processed: true }, { times: 2 })
    fake.failWith({ connection: 'reset', processed: true }, { times: 2 })
  }
  await first.outbox.append(records.slice(0, 120))
  await first.close({ timeoutMs: 0 }).catch(() => {})
  const second = open(sinks())
  await second.outbox.append(records.slice(120))
  const stats = await second.flush()
  for (const sink of ['stripe', 'metronome']) {
    expect(stats.sinks[sink]).toMatchObject({ delivered: 250, pending: 0, dead: 0 })
  }
  expect(billed()).toEqual({ stripe: olds * 1000, metronome: 250 - olds })
})

test('what a sink does not answer for is never taken as delivered', async () => {
  const { open, metronome } = await start()
  const short: Sink = { name: 'metronome', send: async () => [] }
  const meter = open([during(short, { from: new Date(0) })])
  await meter.outbox.append(records.slice(0, 3))
  await expect(meter.flush({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'flush' })
  expect((await meter.stats()).sinks['metronome']).toMatchObject({ delivered: 0, pending: 3 })
  expect(metronome.events).toEqual([])
})

test('a sink that comes back begins anew: with everything, or from now on', async () => {
  const { open, old, next, billed, stripe } = await start()
  const both = open([old(), next()])
  await both.outbox.append(records.slice(0, 10))
  await both.flush()
  await both.close()
  const before = stripe.requests.length

  const without = open([next()])
  expect(await without.outbox.removeSink('stripe')).toBe(true)
  await without.close()

  // Stripe still knows the ids, so that nothing is billed again; a day later it would.
  const again = open([old(), next()])
  await again.flush()
  expect(stripe.requests.length).toBe(before + 10)
  await again.close()

  const third = open([next()])
  await third.outbox.removeSink('stripe')
  await third.close()
  const fresh = open([startingFrom(old(), 'now'), next()])
  await fresh.flush()
  expect(stripe.requests.length).toBe(before + 10)
  const { stripe: atStripe, metronome } = billed()
  expect(atStripe).toBe(metronome)
})
