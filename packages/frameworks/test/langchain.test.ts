import { ChatAnthropic } from '@langchain/anthropic'
import { ChatGoogle } from '@langchain/google'
import { ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings } from '@langchain/google-genai'
import { AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import Anthropic from '@anthropic-ai/sdk'
import { anthropicProvider } from '@token-meter/anthropic'
import { googleProvider } from '@token-meter/google'
import { openaiProvider } from '@token-meter/openai'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { chat, chatChunks } from './openai-replies.ts'
import { content, message, messageEvents } from './other-replies.ts'
import { billed, startRun, toLoopback } from './run.ts'

const globalFetch = globalThis.fetch
afterEach(() => {
  globalThis.fetch = globalFetch
})

describe('LangChain over Anthropic, by createClient', () => {
  const start = async () => {
    const run = await startRun([anthropicProvider])
    const llm = (customer: string | (() => undefined)) =>
      new ChatAnthropic({
        model: 'claude-sonnet-5',
        apiKey: 'sk-ant-test',
        anthropicApiUrl: run.server.url,
        maxRetries: 0,
        createClient: (options) => run.meter(new Anthropic(options as object), customer),
      })
    return { ...run, llm, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() }
  }

  it('records a message and a stream, with cache writes and reads', async () => {
    await using run = await start()
    const counts = { input: 12, cacheRead: 2000, cacheWrite: 300, output: 9 }
    run.server.serve(message('Green tea.', counts))
    expect((await run.llm('cus_1').invoke('Which tea?')).text).toBe('Green tea.')
    run.server.serve(messageEvents('Black tea, today.', { input: 14, output: 8 }))
    let text = ''
    for await (const chunk of await run.llm('cus_1').stream('And now?')) text += chunk.text
    expect(text).toBe('Black tea, today.')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | anthropic/claude-sonnet-5-20260203 | messages | 12 2000 300 9 | complete',
      'cus_1 | anthropic/claude-sonnet-5-20260203 | messages | 14 0 0 8 | complete',
    ])
    expect(run.errors).toEqual([])
  })

  it('bills whom the context names', async () => {
    await using run = await start()
    const llm = run.llm(() => undefined)
    run.server.serve(message('Yes.', { input: 3, output: 1 }))
    await run.meter.withCustomer('cus_2', () => llm.invoke('Tea?'))
    run.server.serve(messageEvents('Yes, sir.', { input: 4, output: 2 }))
    const stream = await run.meter.withCustomer('cus_3', () => llm.stream('Tea?'))
    for await (const chunk of stream) void chunk
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_2', 'cus_3'])
  })

  it('takes a metered fetch in clientOptions too', async () => {
    await using run = await start()
    run.server.serve(message('Yes.', { input: 3, output: 1 }))
    const llm = new ChatAnthropic({
      model: 'claude-sonnet-5',
      apiKey: 'sk-ant-test',
      maxRetries: 0,
      clientOptions: { fetch: run.meter.fetch('cus_1', { fetch: toLoopback(run.server) }) },
    })
    await llm.invoke('Tea?')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | anthropic/claude-sonnet-5-20260203 | messages | 3 0 0 1 | complete',
    ])
  })
})

describe('LangChain over Google', () => {
  const counts = { prompt: 20, cached: 8, candidates: 4, thoughts: 9 }
  const model = 'gemini-2.5-flash'

  it('@langchain/google by its apiClient: thoughts are output', async () => {
    await using run = await startRun([googleProvider])
    const send = run.meter.fetch('cus_1', { fetch: toLoopback(run.server) })
    const llm = new ChatGoogle({
      model,
      maxRetries: 0,
      apiClient: {
        hasApiKey: () => true,
        getProjectId: () => Promise.resolve(''),
        fetch(request) {
          request.headers.set('x-goog-api-key', 'k')
          return send(request)
        },
      },
    })
    run.server.serve(content('Green.', counts))
    expect((await llm.invoke('Which tea?')).text).toBe('Green.')
    run.server.serve([content('Green ', counts), content('tea.', { ...counts, candidates: 7 })])
    let text = ''
    for await (const chunk of await llm.stream('Which tea?')) text += chunk.text
    expect(text).toBe('Green tea.')
    expect(run.server.requests[1]?.headers['x-goog-api-key']).toBe('k')
    expect(run.records.map(billed)).toEqual([
      'cus_1 | google/gemini-2.5-flash | generateContent | 12 8 0 13 | complete',
      'cus_1 | google/gemini-2.5-flash | generateContent | 12 8 0 16 | complete',
    ])
    expect(run.errors).toEqual([])
  })

  it('@langchain/google-genai by the global fetch, which it offers no other way for', async () => {
    await using run = await startRun([googleProvider, openaiProvider])
    globalThis.fetch = run.meter.fetch(() => undefined)
    const llm = new ChatGoogleGenerativeAI({
      model,
      apiKey: 'k',
      baseUrl: run.server.url,
      maxRetries: 0,
    })
    run.server.serve(content('Green.', counts))
    const answer = await run.meter.withCustomer('cus_1', () => llm.invoke('Tea?'))
    run.server.serve([content('Green ', counts), content('tea.', { ...counts, candidates: 7 })])
    const stream = await run.meter.withCustomer('cus_2', () => llm.stream('Tea?'))
    for await (const chunk of stream) void chunk
    expect(run.records.map(billed)).toEqual([
      'cus_1 | google/gemini-2.5-flash | generateContent | 12 8 0 13 | complete',
      'cus_2 | google/gemini-2.5-flash | generateContent | 12 8 0 16 | complete',
    ])
    // What the framework says leaves the thoughts out: it is no source.
    const said = answer.usage_metadata as { output_tokens: number } | undefined
    expect(said?.output_tokens).toBe(4)
    // A metered client beside it is billed once, to whom it names.
    run.server.serve(chat('Yes.', { input: 5, output: 1 }))
    run.server.serve(chatChunks('Yes, sir.', { input: 6, output: 2 }))
    const openai = run.meter(new OpenAI({ apiKey: 'k', baseURL: run.baseURL }), 'cus_3')
    await run.meter.withCustomer('cus_4', async () => {
      const body = { model: 'gpt-5.4', messages: [] }
      await openai.chat.completions.create(body)
      const chunks = await openai.chat.completions.create({ ...body, stream: true })
      for await (const chunk of chunks) void chunk
    })
    expect(run.records.slice(2).map(billed)).toEqual([
      'cus_3 | openai/gpt-5.4-2026-03-05 | chat.completions | 5 0 0 1 | complete',
      'cus_3 | openai/gpt-5.4-2026-03-05 | chat.completions | 6 0 0 2 | complete',
    ])
    expect(run.errors).toEqual([])
  })

  it('embeddings of @langchain/google-genai alike', async () => {
    await using run = await startRun([googleProvider])
    globalThis.fetch = run.meter.fetch('cus_1')
    const vectors = new GoogleGenerativeAIEmbeddings({
      model: 'gemini-embedding-001',
      apiKey: 'k',
      baseUrl: run.server.url,
    })
    run.server.serve({ embedding: { values: [0.5] } })
    await vectors.embedQuery('tea')
    expect(run.records).toMatchObject([{ customer: 'cus_1', model: 'gemini-embedding-001' }])
  })
})

describe('what LangChain does not take', () => {
  const fields = { model: 'gpt-5.4', apiKey: 'sk-test' }
  const client = new OpenAI({ apiKey: 'sk-test', baseURL: 'http://127.0.0.1:9/v1' })

  it('a model is no client: the error names the way', async () => {
    await using run = await startRun([openaiProvider, anthropicProvider, googleProvider])
    const { meter } = run
    const models = [
      new ChatOpenAI(fields),
      new OpenAIEmbeddings(fields),
      new ChatOpenAI(fields).bindTools([]),
      new ChatAnthropic({ model: 'claude-sonnet-5', apiKey: 'k' }),
      new ChatGoogle({ model: 'gemini-2.5-flash', apiKey: 'k' }),
      new ChatGoogleGenerativeAI({ model: 'gemini-2.5-flash', apiKey: 'k' }),
      new AzureChatOpenAI({
        ...fields,
        azureOpenAIApiInstanceName: 'tea',
        azureOpenAIApiDeploymentName: 'tea',
        azureOpenAIApiVersion: '2026-01-01',
      }),
    ]
    for (const model of models) {
      expect(() => meter(model as never, 'cus_1')).toThrow(
        /meter\.fetch\(customer\).*docs\/frameworks/,
      )
    }
  })

  it('a client in the fields of a model: the types refuse it, and the model never looks at it', () => {
    const touched: PropertyKey[] = []
    const seen = new Proxy(client, {
      get(target, name) {
        touched.push(name)
        return Reflect.get(target, name) as unknown
      },
    })
    // @ts-expect-error no such field
    void new ChatOpenAI({ ...fields, client: seen })
    // @ts-expect-error no such field
    void new OpenAIEmbeddings({ ...fields, client: seen })
    // @ts-expect-error no such field
    void new ChatAnthropic({ model: 'claude-sonnet-5', apiKey: 'k', client: seen })
    expect(touched).toEqual([])
  })
})
