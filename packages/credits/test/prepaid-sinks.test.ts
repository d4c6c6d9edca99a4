import { aggregated, type Sink } from '@token-meter/core'
import { lagoSink } from '@token-meter/lago'
import { metronomeSink } from '@token-meter/metronome'
import { openMeterSink } from '@token-meter/openmeter'
import { stripeSink } from '@token-meter/stripe'
import {
  startFakeLago,
  startFakeMetronome,
  startFakeOpenMeter,
  startFakeStripe,
} from '@token-meter/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { costing, deliver, openAgain, startCredits } from './collecting.ts'

/** A backend that has a sink of ours: what it was sent, as the names of those who are to pay. */
interface Backend {
  readonly sink: Sink
  readonly payers: () => readonly unknown[]
}

const onStripe = (api: 'v1' | 'v2' | 'stream') => async (): Promise<Backend> => {
  const fake = await startFakeStripe()
  onTestFinished(() => fake.close())
  return {
    sink: stripeSink({ apiKey: fake.apiKey, baseUrl: fake.url, api }),
    payers: () => fake.meterEvents.map(({ payload }) => payload['stripe_customer_id']),
  }
}

const backends: Readonly<Record<string, () => Promise<Backend>>> = {
  'Stripe, v1': onStripe('v1'),
  'Stripe, v2': onStripe('v2'),
  'the stream of Stripe': onStripe('stream'),
  Lago: async () => {
    const fake = await startFakeLago()
    onTestFinished(() => fake.close())
    return {
      sink: lagoSink({ apiKey: fake.apiKey, apiUrl: fake.url, checkCodes: false }),
      payers: () => fake.events.map((event) => event.external_subscription_id),
    }
  },
  Metronome: async () => {
    const fake = await startFakeMetronome()
    onTestFinished(() => fake.close())
    return {
      sink: metronomeSink({ bearerToken: fake.bearerToken, baseUrl: fake.url }),
      payers: () => fake.events.map((event) => event.customer_id),
    }
  },
  OpenMeter: async () => {
    const fake = await startFakeOpenMeter()
    onTestFinished(() => fake.close())
    return {
      sink: openMeterSink({ apiKey: fake.apiKey, url: fake.url }),
      payers: () => fake.events.map(({ subject }) => subject),
    }
  },
}

const stores = openAgain()
const now = { at: Date.now() }

describe.each(Object.entries(backends))('a pack beside %s', (_, start) => {
  test('sold, spent, overdrawn and bought anew, it is invoiced by nobody', async () => {
    const { sink, payers } = await start()
    const { outbox, credits, available, another } = startCredits(stores['sqlite']!)
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    const meter = deliver(another(), [sink])
    await outbox.append([costing('r1', '0.75', now), costing('r2', '0.25', now)])
    await meter.flush({ timeoutMs: 8000 })
    expect(await available()).toBe('0')
    expect(payers()).toEqual([])
    // Beyond the balance, in one record and in the next.
    await outbox.append([costing('r3', '0.5', now)])
    await outbox.append([
      costing('r4', '0.5', now),
      costing('r5', '9', { customer: 'cus_2', ...now }),
    ])
    await meter.flush({ timeoutMs: 8000 })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '-1', debt: '1' })
    expect(new Set(payers())).toEqual(new Set(['cus_2']))
    const before = payers().length
    await credits.grant('cus_1', { usd: '5', idempotencyKey: 'b' })
    await outbox.append([costing('r6', '0.5', now)])
    const { sinks } = await meter.flush({ timeoutMs: 8000 })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '3.5', debt: '0' })
    expect(payers().length).toBe(before)
    expect(sinks[sink.name]).toMatchObject({ covered: 5, delivered: 1, pending: 0, dead: 0 })
    expect(await credits.reconcile()).toMatchObject({
      isClean: true,
      sums: [{ unit: 'usd', covered: '2.5', billed: '0', lease: '0', expected: '2.5' }],
    })
  })

  test('sums are of what nobody has paid for', async () => {
    const { sink, payers } = await start()
    const { outbox, credits, available, another } = startCredits(stores['sqlite']!)
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    const meter = deliver(another(), [aggregated(sink, { lingerMs: 1 })])
    const ids = Array.from({ length: 40 }, (_, index) => index)
    const all = ids.map((id) =>
      costing(`r${id}`, '0.05', { ...now, customer: `cus_${1 + (id % 2)}` }),
    )
    await outbox.append(all)
    const { sinks } = await meter.flush({ timeoutMs: 8000 })
    expect(await available()).toBe('0')
    expect(new Set(payers())).toEqual(new Set(['cus_2']))
    expect(sinks[sink.name]).toMatchObject({ covered: 20, delivered: 20, pending: 0, dead: 0 })
  })
})
