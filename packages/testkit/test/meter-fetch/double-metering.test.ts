import Anthropic from '@anthropic-ai/sdk'
import { createOpenAI } from '@ai-sdk/openai'
import { GoogleGenAI } from '@google/genai'
import { HTTPClient, Mistral } from '@mistralai/mistralai'
import { aiSdkProvider } from '@token-meter/ai-sdk'
import { generateText, streamText, wrapLanguageModel } from 'ai'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import {
  chatAnswer,
  chatEvents,
  chatTokens,
  contentAnswer,
  eventStream,
  everyProvider,
  type FetchRun,
  messageAnswer,
  messages,
  post,
  smallTokens,
  sse,
  startFetchRun,
} from './fetch-run.ts'

const model = 'some-model'
const url = 'https://api.openai.com/v1/chat/completions'
const globalFetch = globalThis.fetch

afterEach(() => {
  globalThis.fetch = globalFetch
})

/** The clients send by a `fetch` that is metered for somebody else. */
const inside = (run: FetchRun) => run.meter.fetch('cus_inside', { fetch: run.anyHost })

const clients = {
  openai: (run: FetchRun) => new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: inside(run) }),
  anthropic: (run: FetchRun) => new Anthropic({ apiKey: 'k', maxRetries: 0, fetch: inside(run) }),
  google: (run: FetchRun) => {
    globalThis.fetch = inside(run)
    return new GoogleGenAI({ apiKey: 'k' })
  },
  mistral: (run: FetchRun) =>
    new Mistral({ apiKey: 'k', httpClient: new HTTPClient({ fetcher: inside(run) }) }),
}

type Ask = (run: FetchRun) => Promise<unknown>

const readAll = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events);
}

const contents = 'hi'

describe('a metered client that sends by a metered fetch: one record, for whom the client names', () => {
  test.each<[string, Ask, object]>([
    [
      'openai',
      async (run) => {
        run.server.serve(chatAnswer)
        const client = run.meter(clients.openai(run), 'cus_client')
        await client.chat.completions.create({ model, messages: messages as never })
      },
      { tokens: chatTokens },
    ],
    [
      'openai, streamed',
      async (run) => {
        run.server.serve(eventStream(chatEvents), sse)
        const client = run.meter(clients.openai(run), 'cus_client')
        const asked = { model, messages: messages as never, stream: true } as const
        await readAll(await client.chat.completions.create(asked))
      },
      { tokens: chatTokens },
    ],
    [
      'openai, streamed and left',
      async (run) => {
        run.server.serve(eventStream(chatEvents.slice(0, 2), ''), sse)
        const client = run.meter(clients.openai(run), 'cus_client')
        const asked = { model, messages: messages as never, stream: true } as const
        for await (const _ of await client.chat.completions.create(asked)) break
      },
      { outcome: 'estimated' },
    ],
    [
      'openai, the raw response',
      async (run) => {
        run.server.serve(chatAnswer)
        const client = run.meter(clients.openai(run), 'cus_client')
        const asked = client.chat.completions.create({ model, messages: messages as never })
        expect(await (await asked.asResponse()).json()).toEqual(chatAnswer)
      },
      { tokens: chatTokens },
    ],
    [
      'openai, speech',
      async (run) => {
        run.server.serve(Buffer.from('audio'), { headers: { 'content-type': 'audio/mpeg' } })
        const client = run.meter(clients.openai(run), 'cus_client')
        const speech = await client.audio.speech.create({
          model: 'tts-1',
          voice: 'alloy',
          input: 'hi',
        })
        expect(await speech.text()).toBe('audio')
      },
      { details: { characters: 2 } },
    ],
    [
      'anthropic',
      async (run) => {
        run.server.serve(messageAnswer)
        const client = run.meter(clients.anthropic(run), 'cus_client')
        await client.messages.create({ model, messages: messages as never, max_tokens: 9 })
      },
      { tokens: smallTokens },
    ],
    [
      'anthropic, with middleware of the application',
      async (run) => {
        run.server.serve(messageAnswer)
        const options = {
          apiKey: 'k',
          fetch: inside(run),
          middleware: [(request: never, next: (request: never) => unknown) => next(request)],
        }
        const client = run.meter(new Anthropic(options as never), 'cus_client')
        await client.messages.create({ model, messages: messages as never, max_tokens: 9 })
      },
      { tokens: smallTokens },
    ],
    [
      'google',
      async (run) => {
        run.server.serve(contentAnswer)
        const client = run.meter(clients.google(run), 'cus_client')
        await client.models.generateContent({ model, contents })
      },
      { tokens: smallTokens },
    ],
    [
      'google, streamed',
      async (run) => {
        run.server.serve(eventStream([contentAnswer], ''), sse)
        const client = run.meter(clients.google(run), 'cus_client')
        await readAll(await client.models.generateContentStream({ model, contents }))
      },
      { tokens: smallTokens },
    ],
    [
      'mistral',
      async (run) => {
        run.server.serve(chatAnswer)
        const client = run.meter(clients.mistral(run), 'cus_client')
        await client.chat.complete({ model, messages: messages as never })
      },
      { tokens: chatTokens },
    ],
  ])('%s', async (_, ask, record) => {
    await using run = await startFetchRun()
    await ask(run)
    await run.meter.flush()
    expect(run.records).toMatchObject([{ customer: 'cus_client', ...record }])
    expect(run.said).toEqual([])
  })

  test.each(['openai', 'mistral'] as const)(
    '%s: not metered itself, the fetch pays',
    async (name) => {
      await using run = await startFetchRun()
      run.server.serve(chatAnswer)
      const client = clients[name](run)
      await ('complete' in client.chat
        ? client.chat.complete({ model, messages: messages as never })
        : client.chat.completions.create({ model, messages: messages as never }))
      expect(run.records).toMatchObject([{ customer: 'cus_inside', tokens: chatTokens }])
    },
  )
})

describe('a metered model of the AI SDK whose provider sends by a metered fetch', () => {
  const start = () => startFetchRun([...everyProvider, aiSdkProvider as never])
  const chatModel = (run: FetchRun) => createOpenAI({ apiKey: 'k', fetch: inside(run) }).chat(model)

  test('whole and streamed: one record each, for whom the model names', async () => {
    await using run = await start()
    run.server.serve(chatAnswer)
    run.server.serve(eventStream(chatEvents), sse)
    const metered = run.meter(chatModel(run), 'cus_model')
    await generateText({ model: metered, prompt: 'hi' })
    await streamText({ model: metered, prompt: 'hi' }).text
    const record = { customer: 'cus_model', endpoint: 'languageModel', tokens: chatTokens }
    expect(run.records).toMatchObject([record, record])
  })

  test('an answer that cannot be parsed: one record', async () => {
    await using run = await start()
    run.server.serve({ ...chatAnswer, choices: 'odd' })
    const metered = run.meter(chatModel(run), 'cus_model')
    await expect(generateText({ model: metered, prompt: 'hi', maxRetries: 0 })).rejects.toThrow()
    expect(run.records).toMatchObject([{ customer: 'cus_model' }])
  })

  test('what a middleware asks on the side is a call of its own', async () => {
    await using run = await start()
    const side = inside(run)
    const [first, second] = ['one', 'two'].map((id) => ({ ...chatAnswer, id }))
    run.server.serve(first!, { headers: { 'x-answer': '1' } })
    run.server.serve(second!, { headers: { 'x-answer': '2' } })
    const wrapped = wrapLanguageModel({
      model: chatModel(run),
      middleware: {
        specificationVersion: 'v4',
        wrapGenerate: async ({ doGenerate }) => {
          await (await side(url, post({ model, messages }))).json()
          return doGenerate()
        },
      },
    })
    await generateText({ model: run.meter(wrapped, 'cus_model'), prompt: 'hi' })
    expect(run.records.map(({ customer, responseId }) => [customer, responseId])).toEqual([
      ['cus_inside', 'one'],
      ['cus_model', 'two'],
    ])
  })
})

describe('a metered fetch that sends by a metered fetch', () => {
  test('one record, for whom the outer names; the inner is not asked, and refuses nothing', async () => {
    await using run = await startFetchRun(everyProvider, { onMissingCustomer: 'throw' })
    run.server.serve(chatAnswer)
    const asked: string[] = []
    const inner = run.meter.fetch(({ endpoint }) => void asked.push(endpoint), {
      fetch: run.anyHost,
    })
    const outer = run.meter.fetch('cus_outer', { fetch: inner })
    await (await outer(url, post({ model, messages }))).json()
    expect(run.records).toMatchObject([{ customer: 'cus_outer', tokens: chatTokens }])
    expect(asked).toEqual([])
  })

  test('what only the inner knows is the inner’s', async () => {
    await using run = await startFetchRun()
    await using narrow = await startFetchRun([everyProvider[1]!])
    run.server.serve(chatAnswer)
    const inner = run.meter.fetch('cus_inner', { fetch: run.anyHost })
    const outer = narrow.meter.fetch('cus_outer', { fetch: inner })
    await (
      await outer('https://llm.internal.example/v1/chat/completions', post({ model, messages }))
    ).json()
    expect(run.records).toMatchObject([{ customer: 'cus_inner', tokens: chatTokens }])
    expect(narrow.records).toEqual([])
  })

  test('behind a function of the application too', async () => {
    await using run = await startFetchRun()
    run.server.serve(eventStream(chatEvents), sse)
    const inner = inside(run)
    const outer = run.meter.fetch('cus_outer', { fetch: (...args) => inner(...args) })
    await (await outer(url, post({ model, messages, stream: true }))).text()
    expect(run.records).toMatchObject([{ customer: 'cus_outer', tokens: chatTokens }])
  })

  test('two put in the place of the global one do not send to each other for ever', async () => {
    await using run = await startFetchRun()
    run.server.serve(chatAnswer, { times: 3 })
    globalThis.fetch = run.anyHost
    const first = run.meter.fetch('cus_first')
    globalThis.fetch = first
    const second = run.meter.fetch('cus_second')
    globalThis.fetch = second
    for (const metered of [fetch, first, second]) {
      await (await metered(url, post({ model, messages }))).json()
    }
    expect(run.records.map(({ customer }) => customer)).toEqual([
      'cus_second',
      'cus_first',
      'cus_second',
    ])
  })
})
