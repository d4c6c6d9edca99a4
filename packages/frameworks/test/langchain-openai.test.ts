import { HumanMessage, type BaseMessage } from '@langchain/core/messages'
import { StringOutputParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { tool } from '@langchain/core/tools'
import { Annotation, END, START, StateGraph } from '@langchain/langgraph'
import { createReactAgent } from '@langchain/langgraph/prebuilt'
import { AzureChatOpenAI, ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { openaiProvider } from '@token-meter/openai'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { chat, chatChunks, embeddings, response, responseEvents } from './openai-replies.ts'
import { billed, startRun, toLoopback } from './run.ts'

const model = 'gpt-5.4'
const apiKey = 'sk-test'

const start = async () => {
  const run = await startRun([openaiProvider])
  const meteredFetch = (customer: string | (() => undefined)) =>
    run.meter.fetch(customer, { fetch: toLoopback(run.server) })
  const forCustomer = (customer: string | (() => undefined)) => ({
    model,
    apiKey,
    maxRetries: 0,
    configuration: { fetch: meteredFetch(customer) },
  })
  return { ...run, forCustomer, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() }
}

const weather = tool(({ city }) => `Rain in ${city}.`, {
  name: 'weather',
  description: 'The weather of a city.',
  schema: z.object({ city: z.string() }),
})
const wanted = { name: 'weather', args: { city: 'Riga' } }

describe('LangChain over OpenAI, by configuration.fetch', () => {
  it('records a chat, with what its usage_metadata lacks', async () => {
    await using run = await start()
    run.server.serve(chat('Green.', { input: 120, cached: 64, output: 30, reasoning: 22 }))
    const { text } = await new ChatOpenAI(run.forCustomer('cus_1')).invoke('Which tea?')
    expect(text).toBe('Green.')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 56 64 0 30 | complete',
    ])
    expect(run.records[0]).toMatchObject({ requestedModel: model, details: { reasoning: 22 } })
    expect(run.errors).toEqual([])
  })

  it.each([true, false])(
    'records a streamed chat (streamUsage %s), unchanged',
    async (streamUsage) => {
      await using run = await start()
      run.server.serve(chatChunks('Green tea is fine.', { input: 20, output: 6 }))
      const llm = new ChatOpenAI({ ...run.forCustomer('cus_1'), streamUsage })
      let text = ''
      let lastUsage: unknown
      for await (const chunk of await llm.stream('Which tea?')) {
        text += chunk.text
        lastUsage = chunk.usage_metadata ?? lastUsage
      }
      expect(text).toBe('Green tea is fine.')
      expect(lastUsage !== undefined).toBe(streamUsage)
      expect(run.records.map(billed)).toEqual([
        'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 20 0 0 6 | complete',
      ])
      expect(run.errors).toEqual([])
    },
  )

  it('records the Responses API, streamed and not', async () => {
    await using run = await start()
    const llm = new ChatOpenAI({ ...run.forCustomer('cus_1'), useResponsesApi: true })
    run.server.serve(response('Green.', { input: 30, cached: 10, output: 5 }), {
      path: '/responses',
    })
    await llm.invoke('Which tea?')
    run.server.serve(responseEvents('Black, today.', { input: 31, output: 7 }))
    let text = ''
    for await (const chunk of await llm.stream('And now?')) text += chunk.text
    expect(text).toBe('Black, today.')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 20 10 0 5 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | responses | 31 0 0 7 | complete',
    ])
  })

  it('records embeddings batch by batch, and completions', async () => {
    await using run = await start()
    const vectors = new OpenAIEmbeddings({ ...run.forCustomer('cus_1'), batchSize: 2 })
    run.server.serve(embeddings(2, 8))
    run.server.serve(embeddings(1, 3))
    expect(await vectors.embedDocuments(['a', 'b', 'c'])).toHaveLength(3)
    run.server.serve({
      id: 'cmpl-1',
      object: 'text_completion',
      model: 'gpt-3.5-turbo-instruct',
      choices: [{ index: 0, text: 'Tea.', finish_reason: 'stop', logprobs: null }],
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
    })
    await new OpenAI({ ...run.forCustomer('cus_1'), model: 'gpt-3.5-turbo-instruct' }).invoke('Say')
    expect(
      run.records.map(({ endpoint, tokens }) => [endpoint, tokens.input, tokens.output]),
    ).toEqual([
      ['embeddings', 8, 0],
      ['embeddings', 3, 0],
      ['completions', 5, 2],
    ])
  })

  it('records Azure by its host', async () => {
    await using run = await start()
    run.server.serve(chat('Green.', { input: 12, output: 3 }))
    const { configuration } = run.forCustomer('cus_1')
    const llm = new AzureChatOpenAI({
      model,
      azureOpenAIApiKey: 'k',
      azureOpenAIApiInstanceName: 'tea',
      azureOpenAIApiDeploymentName: 'tea-chat',
      azureOpenAIApiVersion: '2026-01-01',
      maxRetries: 0,
      configuration,
    })
    await llm.invoke('Which tea?')
    expect(run.server.requests[0]?.url).toContain('/openai/deployments/tea-chat/chat/completions')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | azure/gpt-5.4-2026-03-05 | chat.completions | 12 0 0 3 | complete',
    ])
  })

  it('records what goes over the gateway of LangSmith as of the provider', async () => {
    await using run = await start()
    vi.stubEnv('LANGSMITH_GATEWAY', 'true')
    vi.stubEnv('LANGSMITH_GATEWAY_API_KEY', 'k')
    const hosts: string[] = []
    const send = toLoopback(run.server)
    const fetch = run.meter.fetch('cus_1', {
      fetch(input, init) {
        hosts.push(new URL(input instanceof Request ? input.url : input).host)
        return send(input, init)
      },
    })
    run.server.serve(chat('Green.', { input: 12, output: 3 }))
    const { model: name, maxRetries } = run.forCustomer('cus_1')
    await new ChatOpenAI({ model: name, maxRetries, configuration: { fetch } }).invoke('Which tea?')
    vi.unstubAllEnvs()
    expect(hosts).toEqual(['gateway.smith.langchain.com'])
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 12 0 0 3 | complete',
    ])
  })

  it('records structured output, bound tools and a chain, which make new models', async () => {
    await using run = await start()
    const llm = new ChatOpenAI(run.forCustomer('cus_1'))
    run.server.serve(chat('{"tea":"green"}', { input: 40, output: 9 }))
    const structured = llm.withStructuredOutput(z.object({ tea: z.string() }))
    expect(await structured.invoke('Which tea?')).toEqual({ tea: 'green' })
    run.server.serve(chat(wanted, { input: 50, output: 12 }))
    const { tool_calls } = await llm.bindTools([weather]).invoke('Weather in Riga?')
    expect(tool_calls).toMatchObject([wanted])
    run.server.serve(chat('Tea.', { input: 15, output: 2 }))
    const chain = ChatPromptTemplate.fromTemplate('{what}?')
      .pipe(llm)
      .pipe(new StringOutputParser())
    expect(await chain.invoke({ what: 'Tea' })).toBe('Tea.')
    expect(run.records.map(({ tokens }) => [tokens.input, tokens.output])).toEqual([
      [40, 9],
      [50, 12],
      [15, 2],
    ])
  })

  it('records every call of an agent, and of a batch', async () => {
    await using run = await start()
    const llm = new ChatOpenAI(run.forCustomer('cus_1'))
    run.server.serve(chat(wanted, { input: 50, output: 12 }))
    run.server.serve(chat('It rains in Riga.', { input: 80, cached: 48, output: 6 }))
    const agent = createReactAgent({ llm, tools: [weather] })
    const { messages } = await agent.invoke({ messages: [new HumanMessage('Weather in Riga?')] })
    expect(messages.at(-1)?.text).toBe('It rains in Riga.')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 50 0 0 12 | complete',
      'cus_1 | openai/gpt-5.4-2026-03-05 | chat.completions | 32 48 0 6 | complete',
    ])
    run.server.serve(chat('Yes.', { input: 5, output: 1 }), { times: 3 })
    await llm.batch(['a', 'b', 'c'])
    expect(run.records).toHaveLength(5)
  })

  it("bills LangChain's own retries once, with the answer", async () => {
    await using run = await start()
    run.server.serve({ error: { message: 'Overloaded.' } }, { status: 503 })
    run.server.serve(chat('Green.', { input: 12, output: 3 }))
    await new ChatOpenAI({ ...run.forCustomer('cus_1'), maxRetries: 2 }).invoke('Which tea?')
    expect(run.server.requests).toHaveLength(2)
    expect(run.records.map(({ tokens }) => tokens.output)).toEqual([3])
    expect(run.errors).toEqual([])
  })

  it('estimates what an aborted stream had said, and what a broken one', async () => {
    await using run = await start()
    const llm = new ChatOpenAI(run.forCustomer('cus_1'))
    const long = chatChunks('A long answer that nobody reads to its end.', { input: 9, output: 11 })
    run.server.serve(long, { hangAfterEvents: 5 })
    const abort = new AbortController()
    const read = async () => {
      for await (const { text } of await llm.stream('Tell.', { signal: abort.signal })) {
        if (text !== '') abort.abort()
      }
    }
    await read().catch(() => {})
    run.server.serve(long, { hangAfterEvents: 5 })
    for await (const { text } of await llm.stream('Tell.')) if (text !== '') break
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['estimated', 'estimated'])
    expect(run.records.every(({ tokens }) => tokens.output > 0 && tokens.input > 0)).toBe(true)
  })
})

describe('one model of LangChain for many customers', () => {
  it('bills whom the context names, at once and streamed', async () => {
    await using run = await start()
    const llm = new ChatOpenAI(run.forCustomer(() => undefined))
    const chain = ChatPromptTemplate.fromTemplate('{n}').pipe(llm).pipe(new StringOutputParser())
    // Each answer has as many input tokens as the number that was asked.
    run.server.serve(
      ({ body }) => {
        const asked = body as { messages: { content: string }[]; stream?: boolean }
        const counts = { input: Number(asked.messages[0]?.content), output: 1 }
        return asked.stream === true ? chatChunks('Yes, sir.', counts) : chat('Yes.', counts)
      },
      { times: Infinity },
    )
    const invoked = Array.from({ length: 8 }, (_, n) =>
      run.meter.withCustomer(`cus_${n + 1}`, () => chain.invoke({ n: n + 1 })),
    )
    await Promise.all(invoked)
    // Streams that are read after withCustomer() returned, all at once.
    const streams = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        run.meter.withCustomer(`cus_${n + 11}`, () => chain.stream({ n: n + 11 })),
      ),
    )
    await Promise.all(
      streams.map(async (stream) => {
        for await (const text of stream) void text
      }),
    )
    // Nothing is sent before a stream is read: who asked for it pays all the same.
    const events = run.meter.withCustomer('cus_21', () =>
      chain.streamEvents({ n: 21 }, { version: 'v2' }),
    )
    for await (const event of events) void event
    expect(run.records).toHaveLength(17)
    for (const { customer, tokens } of run.records) expect(customer).toBe(`cus_${tokens.input}`)
    expect(run.errors).toEqual([])
  })

  it('bills whom the context names, through a graph and its streams', async () => {
    await using run = await start()
    const llm = new ChatOpenAI(run.forCustomer(() => undefined))
    const State = Annotation.Root({
      messages: Annotation<BaseMessage[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
    })
    const ask = async ({ messages }: typeof State.State) => ({
      messages: [await llm.invoke(messages)],
    })
    const graph = new StateGraph(State)
      .addNode('first', ask)
      .addNode('second', ask)
      .addEdge(START, 'first')
      .addEdge('first', 'second')
      .addEdge('second', END)
      .compile()
    run.server.serve(
      ({ body }) => {
        const asked = body as { messages: { content: string }[]; stream?: boolean }
        const counts = { input: Number(asked.messages[0]?.content), output: 1 }
        return asked.stream === true ? chatChunks('Yes, sir.', counts) : chat('Yes.', counts)
      },
      { times: Infinity },
    )
    const input = (n: number) => ({ messages: [new HumanMessage(String(n))] })
    await Promise.all(
      [1, 2, 3].map((n) => run.meter.withCustomer(`cus_${n}`, () => graph.invoke(input(n)))),
    )
    const streams = await Promise.all(
      [4, 5].map((n) =>
        run.meter.withCustomer(`cus_${n}`, () =>
          graph.stream(input(n), { streamMode: 'messages' }),
        ),
      ),
    )
    await Promise.all(
      streams.map(async (stream) => {
        for await (const part of stream) void part
      }),
    )
    expect(run.records).toHaveLength(10)
    for (const { customer, tokens } of run.records) expect(customer).toBe(`cus_${tokens.input}`)
  })
})
