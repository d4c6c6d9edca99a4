import Cerebras from '@cerebras/cerebras_cloud_sdk'
import Groq from 'groq-sdk'
import { describe, expect, test } from 'vitest'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '../src/index.ts'
import { startReplayServer } from '@token-meter/testkit'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest, chatScript, countedTokens, embeddingList } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import type { SdkClient } from './sdk-majors.ts'

async function start(newClient: (baseURL: string) => object) {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: unknown[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  return {
    server,
    records,
    errors,
    raw: newClient(server.url) as SdkClient,
    metered: meter(newClient(server.url) as SdkClient, 'cus_1'),
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

const clients: readonly [string, string, (baseURL: string) => object][] = [
  ['groq-sdk', '/openai/v1', (baseURL) => new Groq({ apiKey: 'k', baseURL, maxRetries: 0 })],
  [
    '@cerebras/cerebras_cloud_sdk',
    '/v1',
    (baseURL) => new Cerebras({ apiKey: 'k', baseURL, maxRetries: 0, warmTCPConnection: false }),
  ],
]

describe.each(clients)('%s', (name, version, newClient) => {
  test('a chat completion is recorded once, whole and streamed', async () => {
    await using run = await start(newClient)
    run.server.serve(chatCompletion)
    const completion = await run.metered.chat.completions.create(chatRequest)
    expect(completion.choices[0]?.message.content).toBe('{"a":1}')
    expect(run.server.requests[0]?.path).toBe(`${version}/chat/completions`)

    const seen: unknown[][] = []
    for (const client of [run.raw, run.metered]) {
      run.server.serve(chatScript)
      const chunks: unknown[] = []
      const body = {
        ...chatRequest,
        stream: true,
        stream_options: { include_usage: true },
      } as const
      for await (const chunk of await client.chat.completions.create(body)) chunks.push(chunk)
      seen.push(chunks)
    }
    expect(seen[1]).toEqual(seen[0])
    const expected = { customer: 'cus_1', endpoint: 'chat.completions', tokens: countedTokens }
    expect(run.records).toMatchObject([expected, expected])
    expect(run.errors).toEqual([])
  })

  test.runIf(name === 'groq-sdk')('embeddings too', async () => {
    await using run = await start(newClient)
    run.server.serve(embeddingList)
    await run.metered.embeddings.create({ model: 'm', input: 'x' })
    expect(run.records).toMatchObject([{ endpoint: 'embeddings' }])
  })
})

describe.each(sdkMajors)('openai $major', ({ OpenAI }) => {
  test.each(['/v1/chat/completions', 'v1/chat/completions', '/openai/v1/chat/completions'])(
    'client.post(%s) with a base URL that has no version',
    async (path) => {
      await using run = await startMetered(OpenAI)
      run.server.serve(chatCompletion)
      await run.metered.post(path, { body: chatRequest as never })
      expect(run.records).toMatchObject([{ tokens: countedTokens, endpoint: 'chat.completions' }])
      expect(run.errors).toEqual([])
    },
  )

  test('an unknown path that answers usage is reported, once', async () => {
    await using run = await startMetered(OpenAI)
    const path = `/unknown_${Math.random()
      .toString(36)
      .replaceAll(/[^a-z]/g, '')}/run`
    const answer = { id: 'x', usage: { prompt_tokens: 5, total_tokens: 5 } }
    run.server.serve(answer, { times: 3 })
    expect(await run.metered.post(path, { body: {} as never })).toEqual(answer)
    expect(await run.metered.post(path, { body: {} as never })).toEqual(answer)
    const { data } = await run.metered.post(path, { body: {} as never }).withResponse()
    expect(data).toEqual(answer)
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining(`POST ${path}`) as string,
    ])
  })

  test('what answers usage that is none, or was billed before, is not', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve({ usage: { prompt_tokens: 5 } }, { times: 2 })
    await run.metered.post('/chat/completions/chatcmpl_1', { body: {} as never })
    await run.metered.get('/whatever/usage')
    run.server.serve({ usage: { total_tokens: 0 } })
    await run.metered.post('/nothing/used', { body: {} as never })
    run.server.serve({ usage: 'a text' })
    await run.metered.post('/nothing/said', { body: {} as never })
    expect(run.errors).toEqual([])
  })
})
