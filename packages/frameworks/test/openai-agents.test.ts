import {
  Agent,
  OpenAITracingExporter,
  OpenAIProvider,
  Runner,
  setDefaultOpenAIClient,
  setTracingDisabled,
  tool,
  run as runAgent,
} from '@openai/agents'
import { openaiProvider } from '@token-meter/openai'
import OpenAI from 'openai'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { chat, chatChunks, response, responseEvents } from './openai-replies.ts'
import { billed, type Run, startRun } from './run.ts'

beforeAll(() => setTracingDisabled(true))

const weather = tool({
  name: 'weather',
  description: 'The weather of a city.',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => `Rain in ${city}.`,
})
const wanted = { name: 'weather', args: { city: 'Riga' } }
const agent = new Agent({
  name: 'guide',
  instructions: 'Be short.',
  model: 'gpt-5.4',
  tools: [weather],
})

type OpenAIRun = Run<OpenAI>

const start = () => startRun([openaiProvider]) as unknown as Promise<OpenAIRun>
const raw = ({ baseURL }: OpenAIRun, options = {}) =>
  new OpenAI({ apiKey: 'sk-test', baseURL, maxRetries: 0, ...options })

/** A runner whose models use this client. */
function runner(openAIClient: OpenAI, useResponses = true): Runner {
  return new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses }) })
}

describe('the OpenAI Agents SDK over HTTP', () => {
  it('records each model call of a run with a tool, by the Responses API', async () => {
    await using run = await start()
    run.server.serve(response(wanted, { input: 90, cached: 64, output: 20, reasoning: 5 }))
    run.server.serve(response('It rains in Riga.', { input: 130, output: 7 }))
    const result = await runner(run.meter(raw(run), 'cus_1')).run(agent, 'Weather in Riga?')
    expect(result.finalOutput).toBe('It rains in Riga.')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 26 64 0 20 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 130 0 0 7 | complete',
    ])
    expect(run.records[0]?.details).toEqual({ reasoning: 5 })
    expect(run.errors).toEqual([])
  })

  it('records a streamed run alike', async () => {
    await using run = await start()
    run.server.serve(responseEvents(wanted, { input: 90, output: 20 }))
    run.server.serve(responseEvents('It rains in Riga.', { input: 130, cached: 100, output: 7 }))
    const result = await runner(run.meter(raw(run), 'cus_1')).run(agent, 'Weather?', {
      stream: true,
    })
    for await (const event of result) void event
    await result.completed
    expect(result.finalOutput).toBe('It rains in Riga.')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 90 0 0 20 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 30 100 0 7 | complete',
    ])
    expect(run.errors).toEqual([])
  })

  it('records chat completions, streamed and not', async () => {
    await using run = await start()
    const chats = runner(run.meter(raw(run), 'cus_1'), false)
    run.server.serve(chat(wanted, { input: 50, output: 12 }))
    run.server.serve(chat('It rains.', { input: 70, cached: 32, output: 4 }))
    await chats.run(agent, 'Weather?')
    run.server.serve(chatChunks('It rains still.', { input: 51, output: 6 }))
    const streamed = await chats.run(agent, 'And now?', { stream: true })
    for await (const event of streamed) void event
    await streamed.completed
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 50 0 0 12 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 38 32 0 4 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 51 0 0 6 | complete',
    ])
    expect(run.errors).toEqual([])
  })

  it('records both agents of a handoff', async () => {
    await using run = await start()
    const poet = new Agent({ name: 'poet', instructions: 'Rhyme.', model: 'gpt-5.4' })
    const desk = Agent.create({ name: 'desk', model: 'gpt-5.4', handoffs: [poet] })
    run.server.serve(response({ name: 'transfer_to_poet', args: {} }, { input: 40, output: 8 }))
    run.server.serve(response('Rain, again.', { input: 60, output: 5 }))
    const result = await runner(run.meter(raw(run), 'cus_1')).run(desk, 'A poem.')
    expect(result.lastAgent?.name).toBe('poet')
    expect(run.records.map(({ tokens }) => [tokens.input, tokens.output])).toEqual([
      [40, 8],
      [60, 5],
    ])
  })

  it('takes the client as the default of the process, with customers by context', async () => {
    await using run = await start()
    setDefaultOpenAIClient(run.meter(raw(run), () => undefined))
    const plain = new Agent({ name: 'plain', model: 'gpt-5.4' })
    const ask = (customer: string, input: number) =>
      run.meter.withCustomer(customer, async () => {
        run.server.serve(() => response('Yes.', { input, output: 2 }), { path: '/responses' })
        return (await runAgent(plain, 'Well?')).finalOutput
      })
    await Promise.all([ask('cus_1', 10), ask('cus_2', 10), ask('cus_3', 10)])
    expect(run.records.map(({ customer }) => customer).toSorted()).toEqual([
      'cus_1',
      'cus_2',
      'cus_3',
    ])
    // A stream that is read after withCustomer() returned.
    run.server.serve(responseEvents('Late.', { input: 11, output: 3 }))
    const late = await run.meter.withCustomer('cus_4', () =>
      runAgent(plain, 'Well?', { stream: true }),
    )
    for await (const event of late) void event
    await late.completed
    expect(run.records.slice(3).map(billed)).toEqual([
      'cus_4 | openai/gpt-5.4-2026-03-05 | responses | 11 0 0 3 | complete',
    ])
  })

  it('bills an answer that took retries once, and an aborted stream as what was said', async () => {
    await using run = await start()
    const error = { error: { message: 'Try again.', type: 'server_error' } }
    run.server.serve(error, { status: 500, headers: { 'retry-after-ms': '1' } })
    run.server.serve(response('At last.', { input: 10, output: 3 }))
    const client = run.meter(raw(run, { maxRetries: 2 }), 'cus_1')
    await runner(client).run(new Agent({ name: 'a', model: 'gpt-5.4' }), 'Well?')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 10 0 0 3 | complete',
    ])
    run.server.serve(responseEvents('A long answer that nobody reads.', { input: 10, output: 9 }), {
      hangAfterEvents: 7,
    })
    const abort = new AbortController()
    const streamed = await runner(client).run(new Agent({ name: 'a', model: 'gpt-5.4' }), 'Well?', {
      stream: true,
      signal: abort.signal,
    })
    for await (const event of streamed) {
      if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') {
        abort.abort()
      }
    }
    await streamed.completed.catch(() => {})
    expect(run.records).toHaveLength(2)
    expect(run.records[1]?.outcome).toBe('estimated')
    expect(run.records[1]?.tokens.output).toBeGreaterThan(0)
  })
})

it('what is sent to its tracing is free, and passes a metered global fetch untouched', async () => {
  await using run = await start()
  const globalFetch = globalThis.fetch
  globalThis.fetch = run.meter.fetch('cus_1')
  try {
    run.server.serve({})
    const endpoint = `${run.server.url}/v1/traces/ingest`
    const exporter = new OpenAITracingExporter({ apiKey: 'sk-test', endpoint })
    const span = { object: 'trace.span', span_data: { type: 'agent' } }
    await exporter.export([{ toJSON: () => span } as never])
    expect(run.server.requests.map(({ body }) => body)).toEqual([{ data: [span] }])
  } finally {
    globalThis.fetch = globalFetch
  }
  expect([run.records, run.errors]).toEqual([[], []])
})
