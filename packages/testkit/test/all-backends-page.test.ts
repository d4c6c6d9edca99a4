import { createMeter, memoryOutbox, type UsageRecord } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { lagoSink } from '@token-meter/lago'
import { metronomeSink } from '@token-meter/metronome'
import { openaiProvider } from '@token-meter/openai'
import { openMeterSink } from '@token-meter/openmeter'
import { stripeSink } from '@token-meter/stripe'
import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import {
  startFakeLago,
  startFakeMetronome,
  startFakeOpenMeter,
  startFakeStripe,
  startReplayServer,
} from '../src/index.ts'

const docs = new URL('../../../docs/', import.meta.url)
const page = readFileSync(new URL('token-to-bill.md', docs), 'utf8')
const blocks = [...page.matchAll(/```json\n(.*?)```/gs)].map(
  ([, text]) => JSON.parse(text ?? '') as Record<string, unknown>,
)
const id = '019a2f3c-1f2e-7c4d-9b1a-3f5e7d9c1b2a'
const at = Date.parse('2026-11-21T10:20:30.456Z')

/** What was sent, with the id and the time of the page. */
function asOnPage<Value>(value: Value, record: UsageRecord): Value {
  const text = JSON.stringify(value)
    .replaceAll(record.id, id)
    .replaceAll(new Date(record.at).toISOString(), new Date(at).toISOString())
    .replaceAll(`"${(record.at / 1000).toFixed(3)}"`, '"1795256430.456"')
    .replaceAll(`"at":${record.at}`, `"at":${at}`)
  return JSON.parse(text) as Value
}

test('docs/token-to-bill.md has what a call is made of on its way', async () => {
  const [usage, shownRecord, ofStripe, ofMetronome, ofLago, ofOpenMeter, ...more] = blocks
  expect(more).toEqual([])
  const provider = await startReplayServer()
  const stripe = await startFakeStripe()
  const metronome = await startFakeMetronome()
  const lago = await startFakeLago()
  const openmeter = await startFakeOpenMeter()
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    cost: cost({
      prices: { 'openai/gpt-5.4': { input: '2.5', cachedInput: '0.25', output: 15 } },
      markup: 20,
    }),
    sinks: [
      stripeSink({ apiKey: stripe.apiKey, baseUrl: stripe.url }),
      stripeSink({ apiKey: stripe.apiKey, baseUrl: stripe.url, name: 'cost', value: 'cost' }),
      metronomeSink({ bearerToken: metronome.bearerToken, baseUrl: metronome.url }),
      lagoSink({ apiKey: lago.apiKey, apiUrl: lago.url }),
      openMeterSink({ apiKey: openmeter.apiKey, url: openmeter.url }),
    ],
  })
  onTestFinished(async () => {
    await meter.close()
    for (const server of [provider, stripe, metronome, lago, openmeter]) await server.close()
  })
  const records: UsageRecord[] = []
  meter.on('usage', (record) => void records.push(record))
  provider.serve({ id: 'chatcmpl-1', model: 'gpt-5.4-2026-03-05', choices: [], usage })
  const openai = meter(new OpenAI({ apiKey: 'sk', baseURL: `${provider.url}/v1` }), 'cus_123')
  await openai.chat.completions.create({ model: 'gpt-5.4', messages: [] })
  await meter.flush()

  const [record] = records
  if (record === undefined) throw new Error('nothing was recorded')
  expect(asOnPage(record, record)).toEqual(shownRecord)
  const sent = (requests: readonly { readonly rawBody: string }[]) =>
    requests
      .filter(({ rawBody }) => rawBody !== '')
      .map(({ rawBody }) => asOnPage(JSON.parse(rawBody) as unknown, record))
  const atStripe = sent(stripe.requests)
  expect(stripe.billed().map(({ value }) => value)).toHaveLength(4)
  expect(new Set(stripe.billed().map(({ value }) => value))).toEqual(new Set([1200, 300, 85, 5220]))
  expect(atStripe).toContainEqual(ofStripe)
  expect(sent(metronome.requests)).toEqual([[ofMetronome]])
  expect(sent(lago.requests)).toEqual([{ events: [ofLago] }])
  const [atOpenMeter, ...others] = sent(openmeter.requests)
  expect(others).toEqual([])
  expect(atOpenMeter).toHaveLength(4)
  expect((atOpenMeter as readonly unknown[]).at(-1)).toEqual(ofOpenMeter)
})

/** The amounts of the picture and of the page are those of the example. */
test.each(['token-to-bill.md', 'token-to-bill.svg'])('the amounts of %s', (file) => {
  const text = readFileSync(new URL(file, docs), 'utf8')
  for (const amount of ['0.0036', '0.00009', '0.00153', '0.00522']) expect(text).toContain(amount)
  for (const word of ['Call', 'sage record', 'Outbox', 'Delivery', 'Lago', 'OpenMeter']) {
    expect(text.toLowerCase()).toContain(word.toLowerCase())
  }
})
