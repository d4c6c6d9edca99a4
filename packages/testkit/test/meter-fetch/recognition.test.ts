import { anthropicProvider } from '@token-meter/anthropic'
import type { Provider } from '@token-meter/core'
import { googleProvider } from '@token-meter/google'
import { mistralProvider } from '@token-meter/mistral'
import { openaiProvider } from '@token-meter/openai'
import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import {
  chatAnswer,
  chatEvents,
  chatTokens,
  contentAnswer,
  eventStream,
  everyProvider,
  messageAnswer,
  messages,
  post,
  smallTokens,
  sse,
  startFetchRun,
} from './fetch-run.ts'

const chat = { model: 'some-model', messages }
const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]

type Known = [url: string, body: object, answer: ReplayEvent, record: object]

describe('requests are known by host, path and body', () => {
  test.each<Known>([
    [
      'https://api.openai.com/v1/chat/completions',
      chat,
      chatAnswer,
      { provider: 'openai', endpoint: 'chat.completions', tokens: chatTokens },
    ],
    [
      'https://api.groq.com/openai/v1/chat/completions',
      chat,
      chatAnswer,
      { provider: 'groq', endpoint: 'chat.completions', tokens: chatTokens },
    ],
    [
      'https://my.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21',
      chat,
      chatAnswer,
      { provider: 'azure', endpoint: 'chat.completions', tokens: chatTokens },
    ],
    [
      'https://api.mistral.ai/v1/chat/completions',
      chat,
      chatAnswer,
      { provider: 'mistral', endpoint: 'chat.completions', tokens: chatTokens },
    ],
    [
      'https://api.mistral.ai/v1/fim/completions',
      { model: 'codestral', prompt: 'x' },
      chatAnswer,
      { provider: 'mistral', endpoint: 'fim.completions', tokens: chatTokens },
    ],
    [
      'https://api.anthropic.com/v1/messages',
      chat,
      messageAnswer,
      { provider: 'anthropic', endpoint: 'messages', tokens: smallTokens },
    ],
    [
      'https://api.deepseek.com/anthropic/v1/messages',
      chat,
      messageAnswer,
      { provider: 'deepseek', endpoint: 'messages', tokens: smallTokens },
    ],
    [
      'https://generativelanguage.googleapis.com/v1beta/models/gemini-1:generateContent',
      { contents },
      contentAnswer,
      { provider: 'google', endpoint: 'generateContent', tokens: smallTokens },
    ],
    [
      'https://generativelanguage.googleapis.com/v1beta/openai/chat/completions',
      chat,
      chatAnswer,
      { provider: 'google', endpoint: 'chat.completions', tokens: chatTokens },
    ],
    [
      'https://gateway.ai.cloudflare.com/v1/acc/gw/anthropic/v1/messages',
      chat,
      messageAnswer,
      { provider: 'anthropic', endpoint: 'messages', tokens: smallTokens },
    ],
    [
      'https://gateway.smith.langchain.com/openai/v1/chat/completions',
      chat,
      chatAnswer,
      { provider: 'openai', endpoint: 'chat.completions', tokens: chatTokens },
    ],
    [
      'http://vllm.internal.example:8000/v1/chat/completions',
      chat,
      chatAnswer,
      { provider: 'openai', endpoint: 'chat.completions', tokens: chatTokens },
    ],
    [
      'https://proxy.internal.example/anthropic/v1/messages',
      chat,
      messageAnswer,
      { provider: 'anthropic', endpoint: 'messages', tokens: smallTokens },
    ],
    [
      'https://proxy.internal.example/gemini/v1beta/models/gemini-1:generateContent',
      { contents },
      contentAnswer,
      { provider: 'google', endpoint: 'generateContent', tokens: smallTokens },
    ],
    [
      'https://proxy.internal.example/v1/embeddings',
      { model: 'e', input: 'x' },
      { data: [{ embedding: [1] }], model: 'e', usage: { prompt_tokens: 3, total_tokens: 3 } },
      { provider: 'openai', endpoint: 'embeddings', tokens: { ...smallTokens, output: 0 } },
    ],
  ])('POST %s', async (url, body, answer, record) => {
    // The order of the providers says nothing: the host does.
    for (const providers of [everyProvider, everyProvider.toReversed()]) {
      await using run = await startFetchRun(providers)
      run.server.serve(answer)
      const response = await run.meter.fetch('cus_1', { fetch: run.anyHost })(url, post(body))
      expect(await response.json()).toEqual(answer)
      expect(run.records).toMatchObject([{ customer: 'cus_1', outcome: 'complete', ...record }])
      expect(run.said).toEqual([])
    }
  })

  test('with the OpenAI provider alone, Mistral and everybody who speaks that API is read by it', async () => {
    await using run = await startFetchRun([openaiProvider] as Provider[])
    run.server.serve(chatAnswer)
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    await (await metered('https://api.mistral.ai/v1/chat/completions', post(chat))).json()
    expect(run.records).toMatchObject([{ provider: 'mistral', tokens: chatTokens }])
    expect(run.said).toEqual([])
  })

  test('whose requests they are can be said', async () => {
    await using run = await startFetchRun()
    run.server.serve(chatAnswer)
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost, provider: 'my-vllm' })
    await (await metered('https://llm.internal.example/v1/chat/completions', post(chat))).json()
    expect(run.records).toMatchObject([{ provider: 'my-vllm' }])
  })
})

const chatWithoutUsage = { ...chatAnswer, usage: undefined }

describe('at a host that nobody knows, a server of a single model', () => {
  const bare = { messages: chat.messages }
  const url = 'http://llama.internal.example/v1/chat/completions'

  test('is billed by the usage of its answer, whole or streamed, and nobody is refused', async () => {
    await using run = await startFetchRun(everyProvider, { onMissingCustomer: 'throw' })
    run.server.serve(chatAnswer, { times: 2 })
    run.server.serve(eventStream(chatEvents), sse)
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    await (await metered(url, post(bare))).json()
    const nobody = run.meter.fetch(() => undefined, { fetch: run.anyHost })
    expect((await nobody(url, post(bare))).ok).toBe(true)
    await (await metered(url, post({ ...bare, stream: true }))).text()
    const expected = { customer: 'cus_1', model: 'some-model-1', tokens: chatTokens }
    expect(run.records).toMatchObject([expected, expected])
    expect(run.server.requests[2]?.rawBody).not.toContain('include_usage')
  })

  test('and a stream of it that says no usage is none', async () => {
    await using run = await startFetchRun()
    run.server.serve(eventStream(chatEvents.slice(0, 2)), sse)
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    await (await metered(url, post({ ...bare, stream: true }))).text()
    expect([run.records, run.said]).toEqual([[], []])
  })
})

describe('at a host that nobody knows, other services bill nothing', () => {
  test.each<[string, RequestInit, ReplayEvent | string]>([
    ['https://forms.example.com/v1/responses', post({ answers: [1, 2] }), { id: 'r' }],
    [
      'https://forms.example.com/v1/responses',
      post({ model: 'F-150', colour: 'red' }),
      { id: 'r' },
    ],
    // An input, and no model that is named: only usage would show one.
    ['https://shop.example.com/v1/chat/completions', post({ messages: [] }), chatWithoutUsage],
    [
      'https://shop.example.com/v1/embeddings',
      post({ input: 'x' }),
      { data: [{ embedding: [1] }] },
    ],
    ['https://shop.example.com/v1/audio/speech', post({ input: 'x' }), { id: 'm' }],
    ['https://shop.example.com/v1/audio/transcriptions', post({ file: 'x' }), { duration: 3 }],
    ['https://shop.example.com/v1/ocr', post({ document: 1 }), { pages: [{}] }],
    ['https://shop.example.com/v1/messages', post({ content: 'x' }), { content: 'x' }],
    ['https://shop.example.com/v1/videos', post({ prompt: 'y' }), { id: 'm', seconds: '4' }],
    // Body as of a model call: the answer is not.
    ['https://forms.example.com/v1/responses', post({ model: 'F-150', input: 'x' }), { id: 'r' }],
    ['https://shop.example.com/v1/embeddings', post({ model: 'x', input: 'y' }), { ok: true }],
    ['https://shop.example.com/v1/chat/completions', post(chat), 'thank you'],
    ['https://shop.example.com/v1/chat/completions', post(chat), '[]'],
    ['https://shop.example.com/api/files', post({ model: 'x', input: 'y' }), { ok: true }],
    ['https://shop.example.com/v1/messages', post(chat), { id: 'mail_1', status: 'sent' }],
    ['https://shop.example.com/v1/messages', post({ to: 'a', body: 'b' }), { id: 'mail_1' }],
    ['https://shop.example.com/v1/moderations', post({ model: 'x', input: 'y' }), { id: 'm' }],
    ['https://shop.example.com/v1/audio/speech', post({ model: 'x', input: 'y' }), { id: 'm' }],
    ['https://shop.example.com/v1/batches/7', {}, { id: '7', status: 'completed' }],
    ['https://shop.example.com/v1/responses/7', {}, { id: '7', status: 'completed' }],
    ['https://shop.example.com/v1/interactions', post({ model: 'x', input: 'y' }), { id: 'm' }],
    ['https://shop.example.com/v1/videos', post({ model: 'x', prompt: 'y' }), { id: 'm' }],
    ['https://shop.example.com/v1/dreams', post({ night: 1 }), { id: 'm' }],
    ['https://shop.example.com/v1/ocr', post({ document: 1 }), { id: 'm' }],
    [
      'https://shop.example.com/v1/messages',
      { method: 'POST', body: new Blob(['x']) },
      { id: 'm' },
    ],
    ['https://shop.example.com/v1/messages', { method: 'POST' }, { id: 'm' }],
    // A model of something else, and what was asked about it: not in the field of that endpoint.
    ...[
      ['images/generations', { data: [{ id: 1, url: 'x' }] }],
      ['completions', { choices: [{ text: 'red' }] }],
      ['chat/completions', { choices: [{ text: 'red' }] }],
      ['messages', { id: '1', content: 'a letter' }],
      ['ocr', { pages: [{ number: 1 }] }],
      ['audio/transcriptions', { text: 'hello' }],
      ['embeddings', { data: [{ id: 1 }] }],
    ].map(([path, answer]): [string, RequestInit, ReplayEvent] => [
      `https://cars.example.com/v1/${path as string}`,
      post({ model: 'Model 3', query: 'red', content: 'x', stream: true }),
      answer as ReplayEvent,
    ]),
    [
      'https://cars.example.com/v1/embeddings',
      post({ model: 'Model 3', input: 'red' }),
      { data: [{ id: 1, url: 'x' }] },
    ],
  ])('%s %j', async (url, init, answer) => {
    await using run = await startFetchRun(everyProvider, { onMissingCustomer: 'throw' })
    run.server.serve(typeof answer === 'string' ? Buffer.from(answer) : answer, { times: 2 })
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    const raw = await (await run.anyHost(url, init)).text()
    expect(await (await metered(url, init)).text()).toBe(raw)
    expect(run.server.requests[1]?.rawBody).toBe(run.server.requests[0]?.rawBody)
    expect(run.records).toEqual([])
    expect(run.said).toEqual([])
  })

  test('nor are they refused because nobody pays', async () => {
    await using run = await startFetchRun(everyProvider, { onMissingCustomer: 'throw' })
    run.server.serve({ ok: true }, { times: 3 })
    const metered = run.meter.fetch(() => undefined, { fetch: run.anyHost })
    for (const init of [post({ answers: 1 }), { method: 'POST', body: new Blob(['x']) }]) {
      expect((await metered('https://forms.example.com/v1/responses', init)).ok).toBe(true)
    }
    expect((await metered('https://forms.example.com/v1/responses/7')).ok).toBe(true)
  })

  test('a stream of a server of one’s own that is left before its first word is an estimate', async () => {
    await using run = await startFetchRun()
    const [first, ...rest] = chatEvents as [object, ...object[]]
    run.server.serve([first, ...rest] as never, { hangAfterEvents: 1 })
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    const url = 'http://vllm.internal.example/v1/chat/completions'
    const response = await metered(url, post({ ...chat, stream: true }))
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    expect(run.records).toMatchObject([{ outcome: 'estimated', model: 'some-model-1' }])
  })

  test('a body that is not to be read is billed by the answer', async () => {
    await using run = await startFetchRun()
    run.server.serve(chatAnswer)
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    const init = { method: 'POST', body: new Blob([JSON.stringify(chat)]) }
    await (await metered('http://vllm.internal.example/v1/chat/completions', init)).json()
    expect(run.records).toMatchObject([{ tokens: chatTokens, model: 'some-model-1' }])
  })
})

describe('a host of a model provider whose API is not known here', () => {
  const missing: readonly (readonly [Provider[], string, object, RegExp | undefined])[] = [
    [
      [anthropicProvider] as Provider[],
      'https://missing-1.openai.com/v1/chat/completions',
      chat,
      /missing-1\.openai\.com are not metered: .* openaiProvider of @token-meter\/openai/,
    ],
    [
      [openaiProvider] as Provider[],
      'https://missing-2.anthropic.com/v1/messages',
      chat,
      /anthropicProvider of @token-meter\/anthropic/,
    ],
    [
      [openaiProvider, anthropicProvider] as Provider[],
      'https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/g:generateContent',
      { contents },
      /API of vertex.* googleProvider/,
    ],
    [
      [openaiProvider] as Provider[],
      'https://missing-3.cohere.com/v2/chat',
      chat,
      /cohereProvider/,
    ],
    // Other things of the same hosts.
    [
      [openaiProvider] as Provider[],
      'https://missing-4.anthropic.com/v1/files',
      { a: 1 },
      undefined,
    ],
    [[anthropicProvider] as Provider[], 'https://x.oss.aliyuncs.com/bucket', { a: 1 }, undefined],
  ]

  test.each(missing)('%#: %s %s', async (providers, url, body, expected) => {
    await using run = await startFetchRun(providers)
    run.server.serve({ ok: true }, { times: 3 })
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    for (const init of [{}, post(body), post(body)]) {
      expect(await (await metered(url, init)).json()).toEqual({ ok: true })
    }
    expect(run.records).toEqual([])
    expect(run.said).toHaveLength(expected === undefined ? 0 : 1)
    if (expected !== undefined) expect(run.said[0]).toMatch(expected)
  })

  test('and paths of a known API that are new, once their answer says that they cost something', async () => {
    await using run = await startFetchRun()
    const used = { usage: { input_tokens: 3 } }
    run.server.serve({ ok: true })
    run.server.serve(used, { times: 2 })
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    const url = 'https://api.openai.com/v1/new_thing_of_fetch/run'
    const answers = []
    for (let count = 0; count < 3; count++) {
      answers.push(await (await metered(url, post({ model: 'm', input: 'x' }))).json())
    }
    expect(answers).toEqual([{ ok: true }, used, used])
    expect(run.said).toEqual([
      'POST /v1/new_thing_of_fetch/run answered usage and is not metered, as nobody here knows what ' +
        'it is: record() it',
    ])
    expect(run.records).toEqual([])
  })

  test('what is known to be free is neither metered nor told', async () => {
    await using run = await startFetchRun()
    run.server.serve({ input_tokens: 3, usage: { input_tokens: 3 } }, { times: 4 })
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    for (const url of [
      'https://api.openai.com/v1/moderations',
      'https://api.openai.com/v1/conversations',
      'https://api.anthropic.com/v1/messages/count_tokens',
      'https://generativelanguage.googleapis.com/v1beta/models/g:countTokens',
    ]) {
      await (await metered(url, post({ ...chat, contents, input: 'x' }))).json()
    }
    expect([run.records, run.said]).toEqual([[], []])
  })
})

test('streams are asked for their usage where the host takes it, and by nobody who said no', async () => {
  await using run = await startFetchRun()
  const stream = { ...chat, stream: true }
  const hosts: readonly (readonly [string, boolean | undefined, boolean])[] = [
    ['https://api.openai.com/v1', undefined, true],
    ['https://api.openai.com/v1', false, false],
    ['https://api.groq.com/openai/v1', undefined, false],
    ['https://api.groq.com/openai/v1', true, true],
    ['https://api.mistral.ai/v1', undefined, false],
    ['https://vllm.internal.example/v1', undefined, true],
  ]
  for (const [host, includeUsage] of hosts) {
    run.server.serve(eventStream(chatEvents.slice(0, 3)), sse)
    const options = includeUsage === undefined ? {} : { includeUsage }
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost, ...options })
    await (await metered(`${host}/chat/completions`, post(stream))).text()
  }
  const asked = run.server.requests.map(({ rawBody }) => rawBody.includes('include_usage'))
  expect(asked).toEqual(hosts.map(([, , expected]) => expected))
  expect(run.records).toHaveLength(hosts.length)
})

test('with Mistral and Google alone, what is not theirs is not read as theirs', async () => {
  await using run = await startFetchRun([mistralProvider, googleProvider] as Provider[])
  run.server.serve({ id: 'modr-1', results: [{ flagged: false }] })
  const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
  const url = 'https://missing-5.openai.com/v1/moderations'
  await (await metered(url, post({ model: 'm', input: 'x' }))).json()
  expect(run.records).toEqual([])
})
