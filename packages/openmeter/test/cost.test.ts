import { batchOf, never, recordsOf, startFakeOpenMeter } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { openMeterSink, type EventsOption } from '../src/index.ts'

const priced = {
  currency: 'USD',
  provider: '0.1',
  billed: '0.100000000000000000001',
  source: 'prices',
} as const
const model = 'openai/gpt-5.4'

test.each(['per-token-type', 'per-record'] as const)('%s: costs add up exactly', async (events) => {
  const fake = await startFakeOpenMeter()
  onTestFinished(() => fake.close())
  const { apiKey, url } = fake
  const sink = openMeterSink({ apiKey, url, events })
  const batch = batchOf([
    ...recordsOf(3, { cost: priced }),
    // Unpriced, and of another customer.
    ...recordsOf(1, { id: 'unpriced', customer: 'cus_2' }),
  ])
  expect((await sink.send(batch, never)).every(({ status }) => status === 'accepted')).toBe(true)
  expect(fake.costs()).toEqual([{ customer: 'cus_1', model, cost: '0.300000000000000000003' }])
})

test('the meters of the docs say the same', async () => {
  const fake = await startFakeOpenMeter()
  onTestFinished(() => fake.close())
  const { apiKey, url } = fake
  const send = (events: EventsOption, eventType: string, id: string) =>
    openMeterSink({ apiKey, url, events, eventType }).send(
      batchOf(recordsOf(1, { cost: priced, id })),
      never,
    )
  await send('per-token-type', 'token-billing-tokens', 'a')
  await send('per-record', 'litellm_tokens', 'b')
  const groupBy = { model: '$.model', type: '$.type' }
  const subject = 'cus_1'
  expect(
    fake.query({ eventType: 'token-billing-tokens', valueProperty: '$.tokens', groupBy }),
  ).toEqual([
    { subject, groups: { model, type: 'input' }, value: '10' },
    { subject, groups: { model, type: 'cached_input' }, value: '5' },
    { subject, groups: { model, type: 'output' }, value: '7' },
  ])
  const cost = [{ subject, groups: {}, value: priced.billed }]
  expect(fake.query({ eventType: 'token-billing-cost', valueProperty: '$.cost' })).toEqual(cost)
  expect(fake.query({ eventType: 'litellm_tokens', valueProperty: '$.cost' })).toEqual(cost)
  expect(fake.query({ eventType: 'litellm_tokens', valueProperty: '$.total_tokens' })).toEqual([
    { subject, groups: {}, value: '22' },
  ])
})

test('a price that is known only at a retry still arrives, once', async () => {
  const fake = await startFakeOpenMeter()
  onTestFinished(() => fake.close())
  const { apiKey, url } = fake
  const sink = openMeterSink({ apiKey, url, timeoutMs: 300 })
  fake.failWith({ status: 500, processed: true })
  await sink.send(batchOf(recordsOf(1)), never)
  const again = batchOf(recordsOf(1, { cost: priced }), { uncertainSince: Date.now() })
  expect(await sink.send(again, never)).toEqual([{ status: 'accepted' }])
  expect(fake.events).toHaveLength(4)
  expect(fake.costs()).toEqual([{ customer: 'cus_1', model, cost: priced.billed }])
})
