import { createMeter, memoryOutbox, type Sink } from '@token-meter/core'
import { startFakeStripe } from '@token-meter/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { stripeSink } from '../src/index.ts'
import { billedSums, expectedSums, recordsOf } from './recorded.ts'

const refusal = { status: 400, body: { error: { code: 'no_meter', message: 'No such meter.' } } }

async function start(wrap: (sink: Sink) => Sink = (sink) => sink) {
  const stripe = await startFakeStripe()
  const outbox = memoryOutbox()
  const { apiKey, url: baseUrl } = stripe
  const sends: number[] = []
  const sink = stripeSink({ apiKey, baseUrl })
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [
      wrap({
        ...sink,
        send: (batch, signal) => {
          sends.push(batch.entries.length)
          return sink.send(batch, signal)
        },
      }),
    ],
    delivery: { lingerMs: 1, pollMs: 20 },
    onError: () => {},
  })
  onTestFinished(async () => {
    await meter.close()
    await stripe.close()
  })
  return { stripe, outbox, meter, sends }
}

test('one record in a hundred is poison: the others arrive at once, and it arrives once it is cured', async () => {
  const { stripe, outbox, meter, sends } = await start()
  const records = recordsOf(20, 200)
  const isPoison = (id: string) => /^r\d*50$/.test(id)
  for (const { id } of records.filter(({ id }) => isPoison(id))) {
    stripe.failWith(refusal, { times: Infinity, matching: `"${id}:` })
  }
  await outbox.append(records)
  expect((await meter.flush()).sinks['stripe']).toMatchObject({ delivered: 198, dead: 2 })
  // Nothing was sent a second time for the sake of the poison.
  expect(sends).toEqual([100, 100])
  const healthy = records.filter(({ id }) => !isPoison(id))
  expect(billedSums(stripe)).toEqual(expectedSums(healthy))
  const dead = await outbox.deadLetters('stripe')
  expect(dead.map(({ record }) => record.id)).toEqual(['r50', 'r150'])
  expect(dead[0]?.reason).toMatch(/no_meter.*Create a meter.*requeue/)

  stripe.recover()
  expect(await outbox.requeue('stripe')).toBe(2)
  expect((await meter.flush()).sinks['stripe']).toMatchObject({ delivered: 200, dead: 0 })
  expect(billedSums(stripe)).toEqual(expectedSums(records))
  const identifiers = stripe.meterEvents.map(({ identifier }) => identifier)
  expect(new Set(identifiers).size).toBe(identifiers.length)
})

test('a record that Stripe holds a lock on, for as long as it asks, holds up no other', async () => {
  const { stripe, outbox, meter } = await start()
  const locked = { status: 429, headers: { 'retry-after': '3000' } }
  stripe.failWith(locked, { times: Infinity, matching: '"locked:' })
  await outbox.append(recordsOf(1, 1, { id: 'locked' }))
  await expect(meter.flush({ timeoutMs: 300 })).rejects.toMatchObject({ pending: { stripe: 1 } })
  const others = recordsOf(3, 9).map((record) => ({ ...record, id: `other ${record.id}` }))
  await outbox.append(others)
  meter.record({ customer: 'cus_1', provider: 'p', model: 'm', tokens: { input: 1 } })
  await vi.waitFor(async () => expect((await outbox.stats('stripe')).delivered).toBe(10), 5000)
  expect(await outbox.stats('stripe')).toMatchObject({ pending: 1, dead: 0 })
  stripe.recover()
})
