import Anthropic from '@anthropic-ai/sdk'
import { createOpenAI } from '@ai-sdk/openai'
import { GoogleGenAI } from '@google/genai'
import { Mistral } from '@mistralai/mistralai'
import { aiSdkProvider } from '@token-meter/ai-sdk'
import type { Guard, Provider } from '@token-meter/core'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  chatAnswer,
  chatEvents,
  contentAnswer,
  eventStream,
  everyProvider,
  type FetchRun,
  messageAnswer,
  messages,
  post,
  startFetchRun,
} from '../meter-fetch/fetch-run.ts'

const model = 'some-model'
const providers = [...everyProvider, aiSdkProvider] as readonly Provider[]
const said = { 'x-token-meter-request-id': '01a2b3c4-0000-7000-8000-000000000000' }

afterEach(() => vi.unstubAllEnvs())

const readAll = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events);
}

/** A request of each client, to the server of the run. */
const clients: Readonly<
  Record<
    string,
    { answer: object; ask(run: FetchRun, customer: () => undefined): Promise<unknown> }
  >
> = {
  'a fetch': {
    answer: chatAnswer,
    async ask({ meter, server }, customer) {
      const url = `${server.url}/openai/v1/chat/completions`
      const answer = await meter.fetch(customer)(url, post({ model, messages }))
      return await answer.json()
    },
  },
  openai: {
    answer: chatAnswer,
    ask: ({ meter, server }, customer) =>
      meter(
        new OpenAI({ apiKey: 'k', baseURL: `${server.url}/openai/v1` }),
        customer,
      ).chat.completions.create({ model, messages: messages as never }),
  },
  anthropic: {
    answer: messageAnswer,
    ask: ({ meter, server }, customer) =>
      meter(
        new Anthropic({ apiKey: 'k', baseURL: `${server.url}/anthropic` }),
        customer,
      ).messages.create({ model, max_tokens: 9, messages: messages as never }),
  },
  google: {
    answer: contentAnswer,
    ask: ({ meter, server }, customer) =>
      meter(
        new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `${server.url}/gemini` } }),
        customer,
      ).models.generateContent({ model, contents: 'hi' }),
  },
  mistral: {
    answer: { ...chatAnswer, created: 1 },
    ask: ({ meter, server }, customer) =>
      meter(
        new Mistral({ apiKey: 'k', serverURL: `${server.url}/mistral` }),
        customer,
      ).chat.complete({ model, messages: messages as never }),
  },
  'the AI SDK': {
    answer: chatAnswer,
    ask: ({ meter, server }, customer) =>
      generateText({
        model: meter(
          createOpenAI({ apiKey: 'k', baseURL: `${server.url}/openai/v1` }).chat(model),
          customer,
        ),
        prompt: 'hi',
      }),
  },
}

/** Streams of the clients whose answers are read by another way than the whole ones. */
const streams: typeof clients = {
  'a fetch': {
    answer: {},
    async ask({ meter, server }, customer) {
      const url = `${server.url}/openai/v1/chat/completions`
      const answer = await meter.fetch(customer)(url, post({ model, messages, stream: true }))
      return await answer.text()
    },
  },
  openai: {
    answer: {},
    async ask({ meter, server }, customer) {
      const client = meter(
        new OpenAI({ apiKey: 'k', baseURL: `${server.url}/openai/v1` }),
        customer,
      )
      const asked = { model, messages: messages as never, stream: true } as const
      await readAll(await client.chat.completions.create(asked))
    },
  },
  'the AI SDK': {
    answer: {},
    ask: async ({ meter, server }, customer) => {
      const openai = createOpenAI({ apiKey: 'k', baseURL: `${server.url}/openai/v1` })
      await streamText({ model: meter(openai.chat(model), customer), prompt: 'hi' }).text
    },
  },
}

function noGuard() {
  const asked: string[] = []
  const guard: Guard = {
    admit: ({ call }) => {
      asked.push(call.endpoint)
      return undefined
    },
  }
  return { asked, guard }
}

const nobody = (): undefined => undefined

describe.each([
  ...Object.entries(clients).map(([name, client]) => [name, client, false] as const),
  ...Object.entries(streams).map(([name, client]) => [`${name}, streamed`, client, true] as const),
])('%s', (_, { ask, answer }, isStream) => {
  const serve = (run: FetchRun, headers: Record<string, string>) => {
    if (!isStream) return run.server.serve(answer as never, { headers })
    const type = { 'content-type': 'text/event-stream' }
    return run.server.serve(eventStream(chatEvents) as never, { headers: { ...headers, ...type } })
  }

  test('what the gateway says to have metered is not recorded, and nobody is asked for it', async () => {
    const { asked, guard } = noGuard()
    await using run = await startFetchRun(providers, { guard, onMissingCustomer: 'throw' })
    vi.stubEnv('TOKEN_METER_GATEWAY', `https://elsewhere.example.com, ${run.server.url}/`)
    serve(run, said)
    await ask(run, nobody)
    await run.meter.flush()
    expect(run.records).toEqual([])
    expect(asked).toEqual([])
    expect(run.said).toEqual([])
  })

  test('without its header it is recorded as ever', async () => {
    await using run = await startFetchRun(providers)
    vi.stubEnv('TOKEN_METER_GATEWAY', run.server.url)
    serve(run, {})
    await ask(run, nobody)
    await run.meter.flush()
    expect(run.records).toHaveLength(1)
  })

  test('at an address that is none of its, the header says nothing', async () => {
    const { asked, guard } = noGuard()
    await using run = await startFetchRun(providers, { guard })
    vi.stubEnv('TOKEN_METER_GATEWAY', `${run.server.url}/another,not an address`)
    serve(run, said)
    await ask(run, nobody)
    await run.meter.flush()
    expect(run.records).toHaveLength(1)
    expect(asked).toHaveLength(1)
  })
})

test('a customer of the header of Stripe is no double billing at a gateway of one’s own', async () => {
  await using run = await startFetchRun(providers)
  vi.stubEnv('TOKEN_METER_GATEWAY', run.server.url)
  run.server.serve(chatAnswer as never, { headers: said })
  const headers = { 'x-stripe-customer-id': 'cus_1', 'content-type': 'application/json' }
  const url = `${run.server.url}/v1/chat/completions`
  await run.meter.fetch('cus_1')(url, { ...post({ model, messages }), headers })
  expect(run.said).toEqual([])
})
