import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime'
import { ChatBedrockConverse, BedrockEmbeddings } from '@langchain/aws'
import { HumanMessage } from '@langchain/core/messages'
import { expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { clientConfig, sdkVersions } from './sdk-versions.ts'

const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
// The cache is beside the input; LangChain's own usage_metadata adds it up.
const usage = {
  inputTokens: 3,
  outputTokens: 7,
  totalTokens: 1510,
  cacheReadInputTokens: 1000,
  cacheWriteInputTokens: 500,
}
const tokens = { input: 3, cachedInput: 1000, cachedWrite: 500, output: 7 }
const answer = {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  metrics: { latencyMs: 5 },
  usage,
}
const events = [
  { messageStart: { role: 'assistant' } },
  { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hel' } } },
  { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'lo' } } },
  { contentBlockStop: { contentBlockIndex: 0 } },
  { messageStop: { stopReason: 'end_turn' } },
  { metadata: { usage, metrics: { latencyMs: 5 } } },
]
const { sdk } = sdkVersions[1]!

async function startChat() {
  const run = await startMetered(sdk)
  // A client by the SDK that LangChain has brought: another copy of it, perhaps.
  const raw = new BedrockRuntimeClient(clientConfig(run.server.url))
  const client = run.meter(raw, 'cus_chain')
  const chat = new ChatBedrockConverse({ model, client, region: 'us-east-1' })
  return { ...run, chat, client }
}

test('ChatBedrockConverse, invoked: one record for each answer', async () => {
  await using run = await startChat()
  run.server.serve({ json: answer }, { json: answer })
  const message = await run.chat.invoke([new HumanMessage('Hi')])
  expect(message.content).toBe('Hello')
  expect(message.usage_metadata).toMatchObject({ output_tokens: 7 })
  await run.chat.invoke('Hi')
  const recorded = {
    customer: 'cus_chain',
    provider: 'bedrock',
    endpoint: 'converse',
    model,
    tokens,
  }
  expect(run.records).toMatchObject([recorded, recorded])
  expect(run.errors).toEqual([])
})

test('ChatBedrockConverse, streamed, and left', async () => {
  await using run = await startChat()
  run.server.serve({ events }, { events })
  let text = ''
  for await (const piece of await run.chat.stream('Hi')) text += String(piece.content)
  expect(text).toBe('Hello')
  expect(run.records).toMatchObject([{ customer: 'cus_chain', tokens, outcome: 'complete' }])
  for await (const piece of await run.chat.stream('Hi')) if (piece.content !== '') break
  await expect.poll(() => run.records.length).toBe(2)
  expect(run.errors).toEqual([])
})

test('ChatBedrockConverse with tools and structured output, by the context', async () => {
  await using run = await startMetered(sdk)
  const raw = new BedrockRuntimeClient(clientConfig(run.server.url))
  const client = run.meter(raw, () => undefined)
  const chat = new ChatBedrockConverse({ model, client, region: 'us-east-1' })
  const toolUse = { toolUseId: 't', name: 'extract', input: { city: 'Paris' } }
  const called = { ...answer, output: { message: { role: 'assistant', content: [{ toolUse }] } } }
  run.server.serve({ json: { ...called, stopReason: 'tool_use' } })
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
  const structured = chat.withStructuredOutput(schema, { name: 'extract' })
  const found = await run.meter.withCustomer('cus_context', () => structured.invoke('Where?'))
  expect(found).toEqual({ city: 'Paris' })
  expect(run.records).toMatchObject([{ customer: 'cus_context', tokens }])
})

test('BedrockEmbeddings: by the body of each text', async () => {
  await using run = await startChat()
  const reply = { json: { embedding: [0.1, 0.2], inputTextTokenCount: 6 } }
  run.server.serve(reply, reply)
  const embeddings = new BedrockEmbeddings({
    client: run.client,
    region: 'us-east-1',
    model: 'amazon.titan-embed-text-v2:0',
  })
  expect(await embeddings.embedDocuments(['Hi', 'there'])).toHaveLength(2)
  const recorded = {
    endpoint: 'invokeModel',
    tokens: { input: 6, output: 0 },
    customer: 'cus_chain',
  }
  expect(run.records).toMatchObject([recorded, recorded])
  expect(run.errors).toEqual([])
})
