import { batchOf, never, recordsOf, startFakeStripe, statusesOf } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { stripeSink } from '../src/stripe-sink.ts'
import type { StripeApi } from '../src/options.ts'

async function start(api: StripeApi) {
  const fake = await startFakeStripe()
  onTestFinished(() => fake.close())
  const { apiKey, url: baseUrl } = fake
  return { fake, sink: stripeSink({ apiKey, baseUrl, api }) }
}

const half = '\ud800'
const odd = [
  ['an id that no header can hold', { id: 'ответ-1' }],
  ['an id of two lines', { id: 'one\r\ntwo' }],
  ['an id that begins with a space', { id: ' r0' }],
  ['letters of the world', { attributes: { équipe: '東京 🎉' }, customer: 'cus_é' }],
  ['half a character in the id', { id: `r${half}` }],
  ['half a character in an attribute', { attributes: { feature: `x${half}`, [`y${half}`]: 'z' } }],
  ['half a character in the customer', { customer: `cus_${half}` }],
  ['half a character in the model', { model: `gpt${half}` }],
] as const

for (const api of ['v1', 'v2', 'stream'] as const) {
  test.each(odd)(`${api}: %s is billed, once`, async (_, change) => {
    const { fake, sink } = await start(api)
    const batch = batchOf(recordsOf(1, change))
    expect(await sink.send(batch, never)).toEqual([{ status: 'accepted' }])
    expect(statusesOf(await sink.send(batch, never))).toEqual(['accepted'])
    expect(fake.meterEvents).toHaveLength(3)
    expect(JSON.stringify(fake.meterEvents)).not.toContain(String.raw`\ud800`)
  })

  test(`${api}: such records hinder no other`, async () => {
    const { fake, sink } = await start(api)
    const strange = odd.map(([, change]) => recordsOf(1, { id: 'r0', ...change })[0]!)
    const unique = strange.map((record, index) => ({ ...record, id: `${record.id} ${index}` }))
    const usual = recordsOf(20).map((record) => ({ ...record, id: `usual ${record.id}` }))
    const results = await sink.send(batchOf([...unique, ...usual]), never)
    expect(statusesOf(results)).toEqual(['accepted'])
    expect(fake.meterEvents).toHaveLength((odd.length + 20) * 3)
  })
}

test('an id that only looks like another after the header was trimmed is another', async () => {
  const { fake, sink } = await start('v2')
  const records = [' r0', 'r0'].map((id) => recordsOf(1, { id })[0]!)
  expect(statusesOf(await sink.send(batchOf(records), never))).toEqual(['accepted'])
  expect(fake.meterEvents).toHaveLength(6)
})
