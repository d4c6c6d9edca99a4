import { createOpenAI } from '@ai-sdk/openai'
import { Agent, type AgentConfig } from '@mastra/core/agent'
import { ModelRouterLanguageModel } from '@mastra/core/llm'
import { Mastra } from '@mastra/core/mastra'
import { RequestContext } from '@mastra/core/request-context'
import { createTool } from '@mastra/core/tools'
import { OpenAIProvider, Runner } from '@openai/agents'
import { aiSdkProvider } from '@token-meter/ai-sdk'
import { openaiProvider } from '@token-meter/openai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { chatChunks, response, responseEvents } from './openai-replies.ts'
import { billed, startRun, until } from './run.ts'
import { startSocketServer } from './socket-server.ts'

const start = async () => {
  const run = await startRun([aiSdkProvider])
  const openai = createOpenAI({ apiKey: 'sk-test', baseURL: run.baseURL })
  return { ...run, openai, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() }
}

const weather = createTool({
  id: 'weather',
  description: 'The weather of a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `Rain in ${city}.`,
})
const wanted = { name: 'weather', args: { city: 'Riga' } }

const agentOf = (model: AgentConfig['model'], tools = {}) =>
  new Agent({ id: 'guide', name: 'guide', instructions: 'Be short.', model, tools })

describe('Mastra, by a metered model', () => {
  it('records each step of an agent with a tool, streamed and not', async () => {
    await using run = await start()
    const agent = agentOf(run.meter(run.openai('gpt-5.4'), 'cus_1'), { weather })
    run.server.serve(responseEvents(wanted, { input: 90, cached: 64, output: 20, reasoning: 5 }))
    run.server.serve(responseEvents('It rains.', { input: 130, output: 7 }))
    const streamed = await agent.stream('Weather in Riga?')
    expect(await streamed.text).toBe('It rains.')
    run.server.serve(response(wanted, { input: 91, output: 21 }))
    run.server.serve(response('It rains still.', { input: 131, output: 8 }))
    expect((await agent.generate('And now?')).text).toBe('It rains still.')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | languageModel | 26 64 0 20 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | languageModel | 130 0 0 7 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | languageModel | 91 0 0 21 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | languageModel | 131 0 0 8 | complete',
    ])
    expect(run.errors).toEqual([])
  })

  it('bills whom the context names, or the request context', async () => {
    await using run = await start()
    const shared = agentOf(run.meter(run.openai('gpt-5.4'), () => undefined))
    run.server.serve(responseEvents('Yes.', { input: 5, output: 1 }), { times: 2 })
    const streams = await Promise.all(
      ['cus_1', 'cus_2'].map((customer) =>
        run.meter.withCustomer(customer, () => shared.stream('Well?')),
      ),
    )
    for (const stream of streams) await stream.text
    const perRequest = agentOf(({ requestContext }: { requestContext: RequestContext }) =>
      run.meter(run.openai('gpt-5.4'), requestContext.get('customer') as string),
    )
    run.server.serve(response('Yes.', { input: 5, output: 1 }))
    const requestContext = new RequestContext()
    requestContext.set('customer', 'cus_3')
    await perRequest.generate('Well?', { requestContext })
    expect(run.records.map(({ customer }) => customer).toSorted()).toEqual([
      'cus_1',
      'cus_2',
      'cus_3',
    ])
  })

  it('records router strings by a gateway that answers metered models', async () => {
    await using run = await start()
    const gateway = {
      id: 'metered',
      name: 'metered',
      fetchProviders: async () => ({}),
      buildUrl: () => undefined,
      getApiKey: async () => 'sk-test',
      resolveLanguageModel: ({ modelId }: { modelId: string }) =>
        run.meter(run.openai(modelId), () => undefined),
    }
    const agent = agentOf('metered/openai/gpt-5.4')
    const mastra = new Mastra({ gateways: { metered: gateway }, agents: { agent } })
    run.server.serve(responseEvents('Yes.', { input: 5, output: 1 }))
    const asked = await run.meter.withCustomer('cus_1', () =>
      mastra.getAgent('agent').stream('Well?', {
        providerOptions: { openai: { transport: 'websocket' } },
      }),
    )
    expect(await asked.text).toBe('Yes.')
    expect(run.server.requests.map(({ body }) => body)).toMatchObject([{ model: 'gpt-5.4' }])
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | languageModel | 5 0 0 1 | complete',
    ])
  })

  it('records router strings over HTTP by a metered global fetch', async () => {
    await using run = await startRun([openaiProvider])
    const globalFetch = globalThis.fetch
    globalThis.fetch = run.meter.fetch(() => undefined)
    try {
      const agent = agentOf({ id: 'openai/gpt-5.4', url: run.baseURL, apiKey: 'sk-test' })
      run.server.serve(chatChunks('Yes, sir.', { input: 7, cached: 4, output: 3 }), {
        usageUnasked: true,
      })
      const asked = await run.meter.withCustomer('cus_1', () => agent.stream('Well?'))
      expect(await asked.text).toBe('Yes, sir.')
    } finally {
      globalThis.fetch = globalFetch
    }
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 3 4 0 3 | complete',
    ])
  })

  it('refuses an agent, a provider of the Agents SDK and a runner, and names the way', async () => {
    await using run = await startRun([aiSdkProvider, openaiProvider])
    const frameworks = [agentOf('openai/gpt-5.4'), new OpenAIProvider(), new Runner()]
    for (const framework of frameworks) {
      expect(() => run.meter(framework as never, 'cus_1')).toThrow(/docs\/frameworks/)
    }
  })
})

describe("Mastra's websocket transport", () => {
  it('is used by no model of the AI SDK: what asks for it is metered over HTTP', async () => {
    await using run = await start()
    const agent = agentOf(run.meter(run.openai('gpt-5.4'), 'cus_1'))
    run.server.serve(responseEvents('Yes.', { input: 5, output: 1 }))
    const asked = await agent.stream('Well?', {
      providerOptions: { openai: { transport: 'websocket' } },
    })
    expect(await asked.text).toBe('Yes.')
    expect(run.records).toHaveLength(1)
  })

  it('is metered where the router itself is: its socket, and HTTP beside it', async () => {
    await using run = await start()
    await using server = await startSocketServer(() =>
      responseEvents('Over the socket.', { input: 40, cached: 30, output: 6, reasoning: 2 }),
    )
    const router = new ModelRouterLanguageModel({ id: 'openai/gpt-5.4', apiKey: 'sk-test' })
    const agent = agentOf(run.meter(router, 'cus_1'))
    const openai = {
      transport: 'websocket' as const,
      websocket: { url: `${server.wsURL}/responses` },
    }
    const asked = await agent.stream('Well?', { providerOptions: { openai } })
    expect(await asked.text).toBe('Over the socket.')
    expect(server.received).toHaveLength(1)
    // Mastra closes its socket at the end, as it does without the meter.
    await until(() => server.open() === 0, 'the socket is closed')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | languageModel | 10 30 0 6 | complete',
    ])
    expect(run.records[0]?.details).toMatchObject({ reasoning: 2 })
    expect(run.errors).toEqual([])
  })
})
