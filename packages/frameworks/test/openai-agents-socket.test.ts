import {
  Agent,
  OpenAIProvider,
  Runner,
  setDefaultOpenAIClient,
  setOpenAIResponsesTransport,
  setTracingDisabled,
  run as runAgent,
  tool,
} from '@openai/agents'
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from '@openai/agents/realtime'
import { meterWebSocket, openaiProvider } from '@token-meter/openai'
import OpenAI from 'openai'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'
import { z } from 'zod'
import { responseEvents } from './openai-replies.ts'
import { billed, startRun, until } from './run.ts'
import { startSocketServer, type ClientEvent } from './socket-server.ts'

const RawWebSocket = globalThis.WebSocket

beforeAll(() => setTracingDisabled(true))
afterEach(() => {
  globalThis.WebSocket = RawWebSocket
  setOpenAIResponsesTransport('http')
})

const agent = new Agent({ name: 'guide', model: 'gpt-5.4' })

/** Answers each `response.create` with as many input tokens as the text has that was asked. */
const echo = ({ input }: ClientEvent) =>
  responseEvents('Yes, it is so.', { input: JSON.stringify(input).length, output: 6, cached: 2 })

const inputOf = (event: ClientEvent | undefined) => JSON.stringify(event?.['input']).length

const client = (baseURL: string) => new OpenAI({ apiKey: 'sk-test', baseURL, maxRetries: 0 })

function socketRunner(openAIClient: OpenAI): [Runner, OpenAIProvider] {
  const modelProvider = new OpenAIProvider({ openAIClient, useResponsesWebSocket: true })
  return [new Runner({ modelProvider }), modelProvider]
}

describe('the websocket transport of the OpenAI Agents SDK', () => {
  it('is reported once where nobody meters it', async () => {
    await using run = await startRun([openaiProvider])
    await using server = await startSocketServer(echo)
    const [runner, provider] = socketRunner(run.meter(client(server.baseURL), 'cus_1'))
    await runner.run(agent, 'One?')
    await runner.run(agent, 'Two?')
    await provider.close()
    expect(server.received).toHaveLength(2)
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /socket for the Responses API .* globalThis\.WebSocket = meterWebSocket/,
      ),
    ])
  })

  it('is metered through the global class: tools, streams, handed on byte for byte', async () => {
    await using run = await startRun([openaiProvider])
    const weather = tool({
      name: 'weather',
      description: 'The weather.',
      parameters: z.object({ city: z.string() }),
      execute: () => 'Rain.',
    })
    let asked = 0
    await using server = await startSocketServer(() =>
      asked++ === 0
        ? responseEvents(
            { name: 'weather', args: { city: 'Riga' } },
            { input: 90, cached: 64, output: 20, reasoning: 5 },
          )
        : responseEvents('It rains.', { input: 130, output: 7 }),
    )
    globalThis.WebSocket = meterWebSocket('cus_1', { meter: run.meter })
    const [runner, provider] = socketRunner(client(server.baseURL))
    const tooled = new Agent({ name: 'guide', model: 'gpt-5.4', tools: [weather] })
    expect((await runner.run(tooled, 'Weather?')).finalOutput).toBe('It rains.')
    const streamed = await runner.run(agent, 'And now?', { stream: true })
    let said = ''
    for await (const text of streamed.toTextStream()) said += text
    await streamed.completed
    await provider.close()
    expect(said).toBe('It rains.')
    expect(server.connections).toBe(1)
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 26 64 0 20 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 130 0 0 7 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 130 0 0 7 | complete',
    ])
    expect(run.errors).toEqual([])
  })

  it('bills who asked, on a socket that customers share', async () => {
    await using run = await startRun([openaiProvider])
    await using server = await startSocketServer(echo)
    globalThis.WebSocket = meterWebSocket(() => undefined, { meter: run.meter })
    // The client is metered too: nothing is billed twice, and nothing is reported.
    const metered = run.meter(client(server.baseURL), () => undefined)
    const [runner, provider] = socketRunner(metered)
    const customers = Array.from({ length: 8 }, (_, index) => `cus_${index}`)
    await Promise.all(
      customers.map((customer, index) =>
        run.meter.withCustomer(customer, () =>
          runner.run(agent, `Question ${'x'.repeat(index * 10)}`),
        ),
      ),
    )
    expect(server.connections).toBe(1)
    const expected = server.received.map(({ event }) => inputOf(event) - 2)
    expect(run.records.map(({ tokens }) => tokens.input)).toEqual(expected)
    const byInput = run.records.toSorted((a, b) => a.tokens.input - b.tokens.input)
    expect(byInput.map(({ customer }) => customer)).toEqual(customers)
    // Nobody is named: it is nobody's, and not of whoever opened the connection.
    await runner.run(agent, 'Whose?')
    expect(run.records.at(-1)?.customer).toBeNull()
    await provider.close()
  })

  it('is metered as the transport of the process too', async () => {
    await using run = await startRun([openaiProvider])
    await using server = await startSocketServer(echo)
    globalThis.WebSocket = meterWebSocket('cus_1', { meter: run.meter })
    setOpenAIResponsesTransport('websocket')
    setDefaultOpenAIClient(client(server.baseURL))
    await runAgent(agent, 'Well?')
    server.cut()
    expect(run.records.map(({ tokens }) => tokens.output)).toEqual([6])
  })

  it('keeps what a cut connection had said as an estimate', async () => {
    await using run = await startRun([openaiProvider])
    await using server = await startSocketServer(() =>
      responseEvents('A long answer that is cut off.', { input: 9, output: 9 }).slice(0, -3),
    )
    globalThis.WebSocket = meterWebSocket('cus_1', { meter: run.meter })
    const [runner, provider] = socketRunner(client(server.baseURL))
    const streamed = await runner.run(agent, 'Well?', { stream: true })
    await (async () => {
      for await (const { type } of streamed) {
        if (type === 'raw_model_stream_event') server.cut()
      }
      await streamed.completed
    })().catch(() => {})
    await until(() => run.records.length > 0, 'the response is recorded')
    expect(run.records).toMatchObject([{ customer: 'cus_1', outcome: 'estimated' }])
    await provider.close()
  })
})

describe('realtime agents', () => {
  const session = { type: 'realtime', model: 'gpt-realtime', object: 'realtime.session', id: 's' }
  const usage = {
    total_tokens: 170,
    input_tokens: 120,
    output_tokens: 50,
    input_token_details: { text_tokens: 120, audio_tokens: 0, cached_tokens: 64 },
    output_token_details: { text_tokens: 10, audio_tokens: 40 },
  }

  it('are metered by the socket that they are given', async () => {
    await using run = await startRun([openaiProvider])
    await using server = await startSocketServer(({ type }) => {
      if (type === 'session.update') return [{ type: 'session.updated', event_id: 'e', session }]
      if (type !== 'response.create') return []
      const response = {
        object: 'realtime.response',
        id: 'resp_1',
        status: 'in_progress',
        output: [],
      }
      return [
        { type: 'response.created', event_id: 'e1', response },
        {
          type: 'response.done',
          event_id: 'e2',
          response: { ...response, status: 'completed', usage },
        },
      ]
    })
    const MeteredWebSocket = meterWebSocket('cus_1', { meter: run.meter, webSocket: NodeWebSocket })
    const transport = new OpenAIRealtimeWebSocket({
      createWebSocket: async ({ url, apiKey }) =>
        new MeteredWebSocket(url, { headers: { Authorization: `Bearer ${apiKey}` } }) as never,
    })
    const voice = new RealtimeSession(new RealtimeAgent({ name: 'voice' }), {
      transport,
      model: 'gpt-realtime',
    })
    await voice.connect({ apiKey: 'sk-test', url: `${server.wsURL}/realtime?model=gpt-realtime` })
    voice.sendMessage('Hello?')
    await until(() => run.records.length > 0, 'the response is recorded')
    voice.close()
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-realtime | realtime | 56 64 0 50 | complete',
    ])
    expect(run.records[0]?.details).toMatchObject({ audioOutput: 40 })
    expect(run.errors).toEqual([])
  })
})
