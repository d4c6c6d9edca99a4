import { createMeter, memoryOutbox, type TokenMeterError } from '@token-meter/core'
import { openaiProvider } from '@token-meter/openai'
import { stripeSink } from '@token-meter/stripe'
import OpenAI from 'openai'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  startFakeStripe,
  startReplayServer,
  type FakeStripe,
  type ReplayServer,
} from '../src/index.ts'

let provider: ReplayServer
let stripe: FakeStripe
let errors: TokenMeterError[]
beforeEach(async () => {
  provider = await startReplayServer()
  stripe = await startFakeStripe({ latencyMs: 100 })
  errors = []
})
afterEach(() => Promise.all([provider.close(), stripe.close()]))

function start(awaitDeliveryMs: number) {
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    sinks: [stripeSink({ apiKey: stripe.apiKey, baseUrl: stripe.url })],
    awaitDeliveryMs,
    onError: (error) => void errors.push(error),
  })
  const client = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, maxRetries: 0 })
  return { meter, openai: meter(client, 'cus_1') }
}

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-5.4',
  choices: [],
  usage,
}
const chunk = (content: string, finish_reason: string | null = null) => ({
  id: 'chatcmpl-2',
  object: 'chat.completion.chunk',
  model: 'gpt-5.4',
  choices: [{ index: 0, delta: { content }, finish_reason }],
})
const stream = [chunk('Yes'), chunk('', 'stop'), { ...chunk(''), choices: [], usage }]
const question = {
  model: 'gpt-5.4',
  messages: [{ role: 'user' as const, content: 'Is tea hot?' }],
}
const billed = () =>
  stripe
    .billed()
    .map(({ tokenType, value }) => `${tokenType} ${value}`)
    .toSorted()

test('a call resolves when its usage is billed', async () => {
  const { meter, openai } = start(20_000)
  provider.serve(completion)
  expect(await openai.chat.completions.create(question)).toMatchObject(completion)
  expect(billed()).toEqual(['input 12', 'output 3'])
  await meter.close()
})

test('a stream ends when its usage is billed', async () => {
  const { meter, openai } = start(20_000)
  provider.serve(stream)
  const chunks = []
  for await (const each of await openai.chat.completions.create({ ...question, stream: true })) {
    chunks.push(each)
  }
  expect(chunks).toHaveLength(2)
  expect(billed()).toEqual(['input 12', 'output 3'])
  await meter.close()
})

test.each(['Yes', ''])(
  'a stream that is left at %j is left when its usage is billed',
  async (at) => {
    const { meter, openai } = start(20_000)
    provider.serve(stream)
    for await (const each of await openai.chat.completions.create({ ...question, stream: true })) {
      if (each.choices[0]?.delta.content === at) break
    }
    expect(billed()).toHaveLength(2)
    await meter.close()
  },
)

test('a backend that is down makes a call late, and nothing worse', async () => {
  const { meter, openai } = start(300)
  stripe.failWith({ status: 503 }, { times: Infinity })
  provider.serve(completion)
  expect(await openai.chat.completions.create(question)).toMatchObject(completion)
  expect(errors.map(({ code }) => code)).toContain('flush')
  expect((await meter.stats()).sinks['stripe']?.pending).toBe(1)
  stripe.recover()
  await meter.close()
  expect(billed()).toEqual(['input 12', 'output 3'])
})
