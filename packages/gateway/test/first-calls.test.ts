import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { startReplayServer } from '@token-meter/testkit'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { startGateway, upstreamKey } from './running.ts'

const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 }
const answer = { id: 'chatcmpl-1', object: 'chat.completion', model: 'gpt-5-2026', usage }
const message = { role: 'user', content: 'hi' } as const

test('a call of OpenAI passes, and is recorded', async () => {
  await using upstream = await startReplayServer()
  await using running = await startGateway(upstream.url)
  upstream.serve({ ...answer, choices: [{ index: 0, message: { content: 'hello' } }] })
  const client = new OpenAI({ apiKey: 'tm-any', baseURL: `${running.url}/v1`, maxRetries: 0 })
  const said = await client.chat.completions.create({
    model: 'gpt-5',
    messages: [message],
    user: 'cus_1',
  })
  expect(said.choices[0]?.message.content).toBe('hello')
  expect(running.records).toMatchObject([
    { customer: 'cus_1', model: 'gpt-5-2026', tokens: { input: 12, output: 5 } },
  ])
  expect(upstream.requests[0]).toMatchObject({
    url: '/v1/chat/completions',
    headers: { authorization: `Bearer ${upstreamKey}` },
  })
  expect(await running.entry(1)).toMatchObject({
    upstream: 'openai',
    status: 200,
    outcome: 'answered',
    customer: 'cus_1',
    model: 'gpt-5',
    tokens: 17,
  })
})

test('a stream of OpenAI passes without the usage that the gateway asked for, and is recorded', async () => {
  await using upstream = await startReplayServer()
  await using running = await startGateway(upstream.url)
  upstream.serve([
    { ...answer, usage: null, choices: [{ index: 0, delta: { content: 'hel' } }] },
    { ...answer, usage: null, choices: [{ index: 0, delta: { content: 'lo' } }] },
    { ...answer, usage: null, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { ...answer, choices: [] },
  ])
  const client = new OpenAI({ apiKey: 'tm-any', baseURL: `${running.url}/openai/v1` })
  const stream = await client.chat.completions.create({
    model: 'gpt-5',
    messages: [message],
    stream: true,
  })
  const events: unknown[] = []
  for await (const event of stream) events.push(event)
  expect(events).toHaveLength(3)
  expect(upstream.requests[0]?.body).toMatchObject({ stream_options: { include_usage: true } })
  expect(running.records).toMatchObject([{ tokens: { input: 12, output: 5 }, outcome: 'complete' }])
})

test('calls of Anthropic and Gemini pass, by their own routes and headers', async () => {
  await using upstream = await startReplayServer()
  await using running = await startGateway(upstream.url)
  const anthropic = new Anthropic({ apiKey: 'tm-any', baseURL: running.url, maxRetries: 0 })
  upstream.serve({
    id: 'msg_1',
    type: 'message',
    model: 'claude-5',
    content: [{ type: 'text', text: 'hello' }],
    usage: { input_tokens: 7, output_tokens: 3 },
  })
  await anthropic.messages.create({ model: 'claude-5', max_tokens: 9, messages: [message] })
  const gemini = new GoogleGenAI({ apiKey: 'tm-any', httpOptions: { baseUrl: running.url } })
  upstream.serve({
    modelVersion: 'gemini-3',
    candidates: [{ content: { parts: [{ text: 'hello' }] } }],
    usageMetadata: { promptTokenCount: 8, candidatesTokenCount: 2, totalTokenCount: 10 },
  })
  await gemini.models.generateContent({ model: 'gemini-3', contents: 'hi' })
  expect(running.records).toMatchObject([
    { provider: 'anthropic', tokens: { input: 7, output: 3 } },
    { provider: 'google', tokens: { input: 8, output: 2 } },
  ])
  expect(upstream.requests.map(({ headers }) => headers)).toMatchObject([
    { 'x-api-key': upstreamKey },
    { 'x-goog-api-key': upstreamKey },
  ])
  expect(JSON.stringify(upstream.requests)).not.toContain('tm-any')
})

test('an answer that is kept while it goes on is billed at its end all the same', async () => {
  await using upstream = await startReplayServer({ gapMs: 20 })
  await using running = await startGateway(upstream.url)
  const interaction = { id: 'v1_kept_open', model: 'gemini-3' }
  const counts = { total_input_tokens: 7, total_output_tokens: 26, total_tokens: 33 }
  upstream.serve([
    { event_type: 'interaction.start', interaction: { ...interaction, status: 'in_progress' } },
    { event_type: 'content.delta', index: 0, delta: { type: 'text', text: 'hello to you' } },
    { event_type: 'content.delta', index: 0, delta: { type: 'text', text: ' and to you' } },
    {
      event_type: 'interaction.completed',
      interaction: { ...interaction, status: 'completed', usage: counts },
    },
  ])
  const answer = await fetch(`${running.url}/gemini/v1beta/interactions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gemini-3', input: 'hi', stream: true }),
  })
  await answer.text()
  expect(running.records).toMatchObject([
    { model: 'gemini-3', outcome: 'complete', tokens: { input: 7, output: 26 } },
  ])
})
