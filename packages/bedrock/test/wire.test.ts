import AnthropicBedrock from '@anthropic-ai/bedrock-sdk'
import { describe, expect, test } from 'vitest'
import { createMeter, memoryOutbox, type TokenMeterError, type UsageRecord } from '../src/index.ts'
import { bedrockProvider } from '../src/index.ts'
import { type BedrockReply, startBedrock } from './bedrock-server.ts'
import { chunk, frame } from './event-frames.ts'
import { makerAnswers } from './maker-answers.ts'
import { makerStreams } from './maker-streams.ts'
import { readAll, until } from './metered.ts'

const host = 'https://bedrock-runtime.us-east-1.amazonaws.com'
const modelId = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const usage = {
  inputTokens: 3,
  outputTokens: 44,
  totalTokens: 25_084,
  cacheReadInputTokens: 0,
  cacheWriteInputTokens: 25_037,
  cacheDetails: [{ ttl: '1h', inputTokens: 25_037 }],
}
const recorded = {
  customer: 'cus_1',
  provider: 'bedrock',
  endpoint: 'converse',
  model: modelId,
  requestedModel: modelId,
  tokens: { input: 3, cachedInput: 0, cachedWrite: 25_037, output: 44 },
  details: { cachedWrite1h: 25_037 },
  serviceTier: 'flex',
  outcome: 'complete',
  requestId: 'aws-request-1',
}
const about = { serviceTier: { type: 'flex' }, metrics: { latencyMs: 1 } }
const answer = {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  usage,
  ...about,
}
const begun = [
  { messageStart: { role: 'assistant' } },
  { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hello' } } },
]
const events = [
  ...begun,
  { messageStop: { stopReason: 'end_turn' } },
  { metadata: { usage, ...about } },
]
const ask = { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] }

/** `meter.fetch`, whose requests to AWS go to a server on this machine. */
async function startFetch() {
  const server = await startBedrock(1)
  const records: UsageRecord[] = []
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [bedrockProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const local: typeof fetch = (input, init) => fetch(String(input).replace(host, server.url), init)
  const metered = meter.fetch('cus_1', { fetch: local })
  const post = (id: string, path: string, body: unknown, headers?: Record<string, string>) =>
    metered(`${host}/model/${encodeURIComponent(id)}/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { authorization: 'Bearer key', 'content-type': 'application/json', ...headers },
    })
  return {
    server,
    records,
    errors,
    meter,
    metered,
    post,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const bytesOf = (all: readonly Readonly<Record<string, unknown>>[]) =>
  Buffer.concat(all.map((event) => frame(event)))

describe('meter.fetch, by the wire of Bedrock', () => {
  test('Converse', async () => {
    await using run = await startFetch()
    run.server.serve({ json: answer })
    const response = await run.post(modelId, 'converse', ask)
    expect(await response.json()).toEqual(answer)
    expect(run.records).toMatchObject([recorded])
    expect(run.errors).toEqual([])
  })

  test('ConverseStream: its frames come through byte for byte', async () => {
    await using run = await startFetch()
    run.server.serve({ events })
    const response = await run.post(modelId, 'converse-stream', ask)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytesOf(events))
    expect(run.records).toMatchObject([recorded])
    expect(run.errors).toEqual([])
  })

  test('read in pieces, and left in the middle', async () => {
    await using run = await startFetch()
    const [begin, ...rest] = begun
    run.server.serve({ events: [begin!, ...rest], after: 'hang' })
    const reader = (await run.post(modelId, 'converse-stream', ask)).body!.getReader()
    let read = 0
    while (read < bytesOf(begun).length) read += (await reader.read()).value?.length ?? 0
    await reader.cancel()
    expect(run.records).toMatchObject([
      { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
    await run.server.requests[0]?.closed
    expect(run.errors).toEqual([])
  })

  test('an exception in place of the first event: nothing is billed', async () => {
    await using run = await startFetch()
    run.server.serve({ events: [{ throttlingException: { message: 'slow down' } }] })
    await (await run.post(modelId, 'converse-stream', ask)).arrayBuffer()
    expect(run.records).toEqual([])
  })

  test('an exception behind the first event: an estimate, as by the SDK', async () => {
    await using run = await startFetch()
    const exception = { throttlingException: { message: 'slow down' } }
    const events = [{ messageStart: { role: 'assistant' } }, exception]
    run.server.serve({ events })
    await (await run.post(modelId, 'converse-stream', ask)).arrayBuffer()
    expect(run.records).toMatchObject([{ outcome: 'estimated', tokens: { output: 0 } }])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(0)
  })

  test.each(['/', '%2F'])('an ARN whose slash is written as %s', async (slash) => {
    await using run = await startFetch()
    run.server.serve({ json: answer })
    const profile = 'arn:aws:bedrock:us-east-1:111122223333:inference-profile'
    const url = `${host}/model/${profile}${slash}${modelId}/converse`
    await (await run.metered(url, { method: 'POST', body: JSON.stringify(ask) })).json()
    const requestedModel = `${profile}/${modelId}`
    expect(run.records).toMatchObject([{ ...recorded, requestedModel }])
  })

  test.each(makerAnswers)(
    'InvokeModel: $maker',
    async ({ modelId, request, answer, headers, recorded }) => {
      await using run = await startFetch()
      run.server.serve({ json: answer, ...(headers && { headers }) } as BedrockReply)
      const response = await run.post(modelId, 'invoke', request)
      await response.arrayBuffer()
      expect(run.records).toMatchObject([
        { endpoint: 'invokeModel', requestedModel: modelId, ...recorded },
      ])
      expect(run.records[0]?.details).toEqual(recorded.details ?? {})
    },
  )

  test.each(makerStreams)(
    'InvokeModel, streamed: $maker',
    async ({ modelId, request, chunks, recorded }) => {
      await using run = await startFetch()
      run.server.serve({ events: chunks.map(chunk) })
      const response = await run.post(modelId, 'invoke-with-response-stream', request)
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytesOf(chunks.map(chunk)))
      expect(run.records).toMatchObject([
        { endpoint: 'invokeModel', requestedModel: modelId, ...recorded },
      ])
      expect(run.errors).toEqual([])
    },
  )

  test('behind a host that nobody knows, as a proxy of one’s own is', async () => {
    await using run = await startFetch()
    run.server.serve({ json: answer }, { events })
    run.server.serve({ json: { embedding: [0.1], inputTextTokenCount: 6 } })
    const own = run.meter.fetch('cus_1')
    const post = (path: string, body: object) =>
      own(`${run.server.url}/model/${path}`, { method: 'POST', body: JSON.stringify(body) })
    await (await post(`${modelId}/converse`, ask)).json()
    await (await post(`${modelId}/converse-stream`, ask)).arrayBuffer()
    await (await post('amazon.titan-embed-text-v2:0/invoke', { inputText: 'Hi' })).json()
    expect(run.records).toMatchObject([
      recorded,
      recorded,
      { provider: 'bedrock', model: 'amazon.titan-embed-text-v2:0', tokens: { input: 6 } },
    ])
    expect(run.errors).toEqual([])
  })

  test('counting tokens is free', async () => {
    await using run = await startFetch()
    run.server.serve({ json: { inputTokens: 9 } })
    await (await run.post(modelId, 'count-tokens', { input: { converse: ask } })).json()
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test("Anthropic's SDK for Bedrock, by the fetch that it takes", async () => {
    await using run = await startFetch()
    const [message, streamed] = [makerAnswers[0]!, makerStreams[0]!]
    run.server.serve({ json: message.answer }, { events: streamed.chunks.map(chunk) })
    const client = new AnthropicBedrock({
      fetch: run.metered,
      baseURL: host,
      skipAuth: true,
      maxRetries: 0,
    })
    const asked = {
      model: modelId,
      max_tokens: 9,
      messages: [{ role: 'user' as const, content: 'Hi' }],
    }
    await client.messages.create(asked)
    await readAll(await client.messages.create({ ...asked, stream: true }))
    await until(() => run.records.length === 2)
    expect(run.records).toMatchObject([message.recorded, streamed.recorded])
    expect(run.errors).toEqual([])
  })
})
