import dns from 'node:dns'
import http, { createServer } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { HTTPClient, Mistral } from '@mistralai/mistralai'
import { aiSdkProvider } from '@token-meter/ai-sdk'
import { anthropicProvider } from '@token-meter/anthropic'
import { createMeter, memoryOutbox, type UnmeteredHost, watchUnmetered } from '@token-meter/core'
import { googleProvider } from '@token-meter/google'
import { mistralProvider } from '@token-meter/mistral'
import { openaiProvider } from '@token-meter/openai'
import { generateText } from 'ai'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

/** Answers whatever any of the SDKs can read. */
const answer = JSON.stringify({
  id: 'x',
  object: 'chat.completion',
  created: 1,
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  input_tokens: 3,
  total_tokens: 3,
  totalTokens: 3,
  data: [],
  results: [],
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'hi' },
      finish_reason: 'stop',
      logprobs: null,
    },
  ],
  candidates: [{ content: { role: 'model', parts: [{ text: 'hi' }] }, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
  usage: {
    input_tokens: 3,
    output_tokens: 2,
    prompt_tokens: 3,
    completion_tokens: 2,
    total_tokens: 5,
  },
})

const server = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
})
const failing = createServer((_, response) => void response.writeHead(500).end('{}'))
const { lookup } = dns
const port = (of: http.Server) => (of.address() as AddressInfo).port
const at = (host: string) => `http://${host}:${port(server)}`

beforeAll(async () => {
  for (const each of [server, failing]) {
    await new Promise<void>((resolve) => void each.listen(0, '127.0.0.1', resolve))
  }
  // Every host is this one.
  dns.lookup = ((_: string, ...rest: [unknown, unknown]) =>
    Reflect.apply(lookup, dns, ['127.0.0.1', ...rest])) as typeof lookup
})

afterAll(() => {
  dns.lookup = lookup
  server.close().closeAllConnections()
  failing.close().closeAllConnections()
})

const providers = [
  openaiProvider,
  anthropicProvider,
  googleProvider,
  mistralProvider,
  aiSdkProvider,
]
const meter = createMeter({ providers, outbox: memoryOutbox(), onError: () => {} })
afterAll(() => meter.close())

let told: UnmeteredHost[] = []
let watch: ReturnType<typeof watchUnmetered>

beforeEach(() => {
  told = []
  watch = watchUnmetered((host) => void told.push(host), { providers })
})
afterEach(() => watch.stop())

const messages = [{ role: 'user' as const, content: 'hi' }]
const openai = (options = {}) =>
  new OpenAI({ apiKey: 'k', baseURL: `${at('api.openai.com')}/v1`, maxRetries: 0, ...options })
const anthropic = () => new Anthropic({ apiKey: 'k', baseURL: at('api.anthropic.com') })
const google = () =>
  new GoogleGenAI({
    apiKey: 'k',
    httpOptions: { baseUrl: at('generativelanguage.googleapis.com') },
  })
const mistral = () =>
  new Mistral({ apiKey: 'k', serverURL: at('api.mistral.ai'), httpClient: new HTTPClient() })
const aiSdk = () => createOpenAI({ apiKey: 'k', baseURL: `${at('api.openai.com')}/v1` }).chat('m')

type Wrap = <Client extends object>(client: Client) => Client

const calls: readonly (readonly [string, string, string, (wrap: Wrap) => Promise<unknown>])[] = [
  [
    'openai',
    'api.openai.com',
    '/v1/chat/completions',
    (wrap) => wrap(openai()).chat.completions.create({ model: 'm', messages }),
  ],
  [
    'anthropic',
    'api.anthropic.com',
    '/v1/messages',
    (wrap) => wrap(anthropic()).messages.create({ model: 'm', max_tokens: 9, messages }),
  ],
  [
    'google',
    'generativelanguage.googleapis.com',
    '/v1/models/m:generateContent',
    (wrap) => wrap(google()).models.generateContent({ model: 'm', contents: 'hi' }),
  ],
  [
    'mistral',
    'api.mistral.ai',
    '/v1/chat/completions',
    (wrap) =>
      wrap(mistral())
        .chat.complete({ model: 'm', messages })
        .catch(() => {}),
  ],
  [
    'openai',
    'api.openai.com',
    '/v1/chat/completions',
    (wrap) => generateText({ model: wrap(aiSdk()), prompt: 'hi', maxRetries: 0 }),
  ],
]

describe('a host that is called past the meter', () => {
  test.each(calls)('%s at %s%s is named, once, and not when it is metered', async (...call) => {
    const [provider, host, path, run] = call
    await run((client) => meter(client as never, 'cus_1'))
    expect(told).toEqual([])
    await run((client) => client)
    await run((client) => client)
    const named = { host: `${host}:${port(server)}`, provider, path }
    expect(told).toEqual([{ ...named, count: 1 }])
    expect(watch.hosts).toEqual([{ ...named, count: 2 }])
  })

  test('meter.fetch is the meter, and the fetch beside it is not', async () => {
    const url = `${at('api.groq.com')}/openai/v1/chat/completions`
    const init = { method: 'POST', body: JSON.stringify({ model: 'm', messages }) }
    await (await meter.fetch('cus_1')(url, init)).text()
    await new OpenAI({
      apiKey: 'k',
      baseURL: at('api.groq.com'),
      fetch: meter.fetch('cus_1'),
    }).chat.completions.create({ model: 'm', messages })
    expect(told).toEqual([])
    await (await fetch(url, init)).text()
    expect(told).toMatchObject([{ provider: 'groq', path: '/openai/v1/chat/completions' }])
  })

  test('retries of a metered call are metered', async () => {
    const baseURL = `http://api.openai.com:${port(failing)}/v1`
    const client = meter(openai({ baseURL, maxRetries: 2 }), 'cus_1')
    await expect(client.chat.completions.create({ model: 'm', messages })).rejects.toThrow()
    expect(told).toEqual([])
  })

  test('what costs nothing is not named', async () => {
    await openai().models.list()
    await openai().moderations.create({ input: 'hi' })
    await anthropic().messages.countTokens({ model: 'm', messages })
    await google().models.countTokens({ model: 'm', contents: 'hi' })
    await (await fetch(`${at('example.com')}/v1/chat/completions`, { method: 'POST' })).text()
    expect(told).toEqual([])
  })

  test('by node:http and node:http2 too', async () => {
    await new Promise<void>((resolve) => {
      http
        .request(`${at('api.cohere.com')}/v2/chat?key=secret`, { method: 'POST' }, (response) =>
          response.resume().on('end', () => resolve()),
        )
        .end('{}')
    })
    const h2 = http2.createServer((_, response) => response.end('{}'))
    await new Promise<void>((resolve) => void h2.listen(0, '127.0.0.1', resolve))
    const host = 'bedrock-runtime.us-east-1.amazonaws.com'
    const session = http2.connect(`http://${host}:${(h2.address() as AddressInfo).port}`)
    const stream = session.request({ ':method': 'POST', ':path': '/model/m/converse' })
    await new Promise((resolve) => stream.resume().on('end', resolve).end('{}'))
    await new Promise<void>((resolve) => void session.close(() => resolve()))
    h2.close()
    expect(watch.sees).toEqual({ fetch: true, http: true, http2: true })
    expect(told).toMatchObject([
      { provider: 'cohere', path: '/v2/chat' },
      { provider: 'bedrock', path: '/model/m/converse' },
    ])
    expect(JSON.stringify(watch.hosts)).not.toContain('secret')
  })

  test('a listener that throws is nothing to the request, and a watch that has ended hears no more', async () => {
    using other = watchUnmetered(() => {
      throw new Error('of the listener')
    })
    await openai().chat.completions.create({ model: 'm', messages })
    expect(other.hosts).toMatchObject([{ count: 1 }])
    watch.stop()
    other.stop()
    other.stop()
    await anthropic().messages.create({ model: 'm', max_tokens: 9, messages })
    expect(watch.hosts).toHaveLength(1)
    expect(other.hosts).toHaveLength(1)
  })
})
