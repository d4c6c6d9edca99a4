import Cerebras from '@cerebras/cerebras_cloud_sdk'
import Groq from 'groq-sdk'
import OpenAI from 'openai'
import { startReplayServer } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '../src/index.ts'
import { chatCompletion, chatScript, countedTokens } from './scripts.ts'

interface ChatClient {
  readonly chat: {
    readonly completions: { create(body: object): PromiseLike<unknown> }
  }
}

/** Clients that know nothing of a meter but the `fetch` that they are given. */
const clients: readonly (readonly [string, (options: object) => unknown])[] = [
  ['openai', (options) => new OpenAI(options)],
  ['groq', (options) => new Groq(options)],
  // Sends by node-fetch unless it is given another.
  ['cerebras', (options) => new Cerebras({ ...options, warmTCPConnection: false })],
]

async function start(make: (options: object) => unknown) {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const said: string[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: ({ message }) => void said.push(message),
  })
  meter.on('usage', (record) => void records.push(record))
  const anyHost: typeof fetch = (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    return fetch(server.url + pathname, init)
  }
  const metered = meter.fetch('cus_1', { fetch: anyHost })
  return {
    server,
    records,
    said,
    client: make({ apiKey: 'k', maxRetries: 1, fetch: metered }) as ChatClient,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

const asked = { model: 'some-model', messages: [{ role: 'user', content: 'hi' }] }

describe.each(clients)('%s, given a metered fetch alone', (provider, make) => {
  test('whole, after an attempt that failed: one record', async () => {
    await using run = await start(make)
    run.server.serve({ error: {} }, { status: 500, headers: { 'retry-after-ms': '1' } })
    run.server.serve(chatCompletion)
    expect(await run.client.chat.completions.create(asked)).toMatchObject(chatCompletion)
    expect(run.server.requests).toHaveLength(2)
    expect(run.records).toMatchObject([{ provider, customer: 'cus_1', tokens: countedTokens }])
    expect(run.said).toEqual([])
  })

  test('streamed, and streamed and left', async () => {
    await using run = await start(make)
    run.server.serve(chatScript, { usageUnasked: true })
    run.server.serve(chatScript, { hangAfterEvents: 2 })
    const ask = async () =>
      (await run.client.chat.completions.create({
        ...asked,
        stream: true,
      })) as AsyncIterable<unknown>
    for await (const _ of await ask());
    for await (const _ of await ask()) break
    expect(run.records).toMatchObject([
      { provider, tokens: countedTokens, outcome: 'complete' },
      { provider, outcome: 'estimated' },
    ])
    expect(run.said).toEqual([])
  })
})
