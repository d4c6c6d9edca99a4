import { HTTPClient } from '@mistralai/mistralai'
import { describe, expect, test, vi } from 'vitest'
import { type Metered, sdkMajors, startMetered } from './metered.ts'

const usage = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 40 },
}
const tokens = { input: 60, cachedInput: 40, cachedWrite: 0, output: 20 }
const answer = {
  id: 'cmpl_1',
  object: 'chat.completion',
  created: 1,
  model: 'mistral-large-2512',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage,
}
const chunk = (delta: object, more: object = {}) => ({
  id: 'cmpl_1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'mistral-large-2512',
  choices: [{ index: 0, delta, finish_reason: null }],
  ...more,
})
const chunks = [
  chunk({ role: 'assistant', content: 'Hel' }),
  chunk({ content: 'lo' }),
  chunk({}, { choices: [{ index: 0, delta: { content: '' }, finish_reason: 'stop' }], usage }),
]
/** As Mistral sends it: the usage unasked, which a script of chat chunks has only when it is asked for. */
const stream = new TextEncoder().encode(
  [...chunks.map((each) => JSON.stringify(each)), '[DONE]']
    .map((data) => `data: ${data}\n\n`)
    .join(''),
)
const asStream = { headers: { 'content-type': 'text/event-stream' } }
const messages = [{ role: 'user' as const, content: 'Hi' }]
const model = 'mistral-large-latest'
const connectors = {
  prompt_tokens: 188,
  completion_tokens: 55,
  total_tokens: 7355,
  connector_tokens: 7112,
  connectors: { web_search: 1 },
}
const found = { input: 7300, cachedInput: 0, cachedWrite: 0, output: 55 }
const entry = {
  object: 'entry',
  type: 'message.output',
  id: 'msg_1',
  created_at: '2026-01-01T00:00:00Z',
  completed_at: '2026-01-01T00:00:00Z',
  role: 'assistant',
  model: 'mistral-medium-2508',
  content: 'Found',
}

type Way = readonly [
  name: string,
  reply: object,
  call: (metered: Metered) => PromiseLike<unknown>,
  expected: object,
]

async function drain(stream: PromiseLike<AsyncIterable<unknown>>): Promise<void> {
  for await (const _ of await stream);
}

const ways: readonly Way[] = [
  [
    'chat.complete',
    answer,
    ({ metered }) => metered.chat.complete({ model, messages }),
    {
      endpoint: 'chat.completions',
      model: 'mistral-large-2512',
      requestedModel: model,
      tokens,
      outcome: 'complete',
      responseId: 'cmpl_1',
    },
  ],
  [
    'chat.stream',
    stream,
    ({ metered }) => drain(metered.chat.stream({ model, messages })),
    { endpoint: 'chat.completions', tokens, outcome: 'complete', responseId: 'cmpl_1' },
  ],
  [
    'agents.complete',
    answer,
    ({ metered }) => metered.agents.complete({ agentId: 'ag_1', messages }),
    { endpoint: 'agents.completions', model: 'mistral-large-2512', tokens },
  ],
  [
    'fim.complete',
    answer,
    ({ metered }) => metered.fim.complete({ model: 'codestral-latest', prompt: 'def' }),
    { endpoint: 'fim.completions', requestedModel: 'codestral-latest', tokens },
  ],
  [
    'fim.stream',
    chunks,
    ({ metered }) => drain(metered.fim.stream({ model: 'codestral-latest', prompt: 'def' })),
    { endpoint: 'fim.completions', tokens },
  ],
  [
    'embeddings.create',
    {
      id: 'e',
      object: 'list',
      model: 'mistral-embed',
      data: [{ object: 'embedding', embedding: [0.1], index: 0 }],
      usage: { prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 },
    },
    ({ metered }) => metered.embeddings.create({ model: 'mistral-embed', inputs: ['text'] }),
    { endpoint: 'embeddings', tokens: { input: 7, cachedInput: 0, cachedWrite: 0, output: 0 } },
  ],
  [
    'beta.conversations.start',
    {
      object: 'conversation.response',
      conversation_id: 'conv_1',
      outputs: [entry],
      usage: connectors,
    },
    ({ metered }) =>
      metered.beta.conversations.start({ model: 'mistral-medium-latest', inputs: 'news?' }),
    {
      endpoint: 'conversations',
      model: 'mistral-medium-2508',
      tokens: found,
      details: { webSearchRequests: 1 },
      requests: null,
      responseId: 'conv_1',
    },
  ],
  [
    'beta.conversations.appendStream',
    [
      {
        type: 'conversation.response.started',
        created_at: '2026-01-01T00:00:00Z',
        conversation_id: 'conv_1',
      },
      {
        type: 'message.output.delta',
        created_at: '2026-01-01T00:00:00Z',
        output_index: 0,
        id: 'msg_1',
        content_index: 0,
        model: 'mistral-medium-2508',
        role: 'assistant',
        content: 'Found',
      },
      { type: 'conversation.response.done', created_at: '2026-01-01T00:00:00Z', usage: connectors },
    ],
    ({ metered }) =>
      drain(
        metered.beta.conversations.appendStream({
          conversationId: 'conv_1',
          conversationAppendStreamRequest: { inputs: 'more?' },
        }),
      ),
    {
      endpoint: 'conversations',
      model: 'mistral-medium-2508',
      tokens: found,
      details: { webSearchRequests: 1 },
      outcome: 'complete',
    },
  ],
  [
    'audio.transcriptions.complete',
    {
      model: 'voxtral-mini-2507',
      text: 'Hello',
      language: 'en',
      segments: [],
      usage: { prompt_audio_seconds: 12, prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 },
    },
    ({ metered }) =>
      metered.audio.transcriptions.complete({
        model: 'voxtral-mini-latest',
        fileUrl: 'https://example.com/a.mp3',
      }),
    {
      endpoint: 'audio.transcriptions',
      model: 'voxtral-mini-2507',
      details: { seconds: 12 },
      tokens: { input: 4, cachedInput: 0, cachedWrite: 0, output: 3 },
    },
  ],
]

describe.each(sdkMajors)('@mistralai/mistralai $major', ({ Mistral }) => {
  test.each(ways)('%s is recorded once, to the token', async (_, reply, call, expected) => {
    await using started = await startMetered(Mistral)
    const { server, records, errors } = started
    server.serve(reply as never, reply === stream ? asStream : {})
    await call(started)
    expect(errors).toEqual([])
    expect(records).toEqual([
      expect.objectContaining({ customer: 'cus_1', provider: 'mistral', ...expected }),
    ])
  })

  test("the application's own HTTP client sends, with its hooks", async () => {
    const http = new HTTPClient()
    const seen: string[] = []
    http.addHook(
      'beforeRequest',
      (request) => void seen.push(`asked ${new URL(request.url).pathname}`),
    )
    http.addHook('response', (response) => void seen.push(`answered ${response.status}`))
    await using started = await startMetered(Mistral, { client: { httpClient: http as never } })
    started.server.serve(answer as never)
    await started.metered.chat.complete({ model, messages })
    expect(seen).toEqual(['asked /v1/chat/completions', 'answered 200'])
    expect(started.records).toHaveLength(1)
  })

  test('what an application has put in the place of a method stays there', async () => {
    await using started = await startMetered(Mistral)
    const { meter, raw, server } = started
    raw.chat.complete = async () => answer as never
    const metered = meter(raw, 'cus_1')
    expect(await metered.chat.complete({ model, messages })).toBe(answer)
    expect(server.requests).toHaveLength(0)
    const spy = vi.spyOn(metered.chat, 'complete').mockResolvedValue('mocked' as never)
    expect(await metered.chat.complete({ model, messages })).toBe('mocked')
    expect(spy).toHaveBeenCalledOnce()
  })

  test('a client that is metered twice is billed once, to who was named last', async () => {
    await using started = await startMetered(Mistral)
    started.server.serve(answer as never)
    await started.meter(started.metered, 'cus_2').chat.complete({ model, messages })
    expect(started.records.map(({ customer }) => customer)).toEqual(['cus_2'])
  })

  test('nobody, where such calls are refused: nothing is sent, and the refusal is the error', async () => {
    await using started = await startMetered(Mistral, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const call = started.metered.chat.complete({ model, messages })
    await expect(call).rejects.toMatchObject({ code: 'missing-customer' })
    expect(started.server.requests).toEqual([])
  })

  test('each answer of a retried request counts, and only answers', async () => {
    await using started = await startMetered(Mistral, {
      client: {
        retryConfig: {
          strategy: 'backoff',
          backoff: { initialInterval: 1, maxInterval: 2, exponent: 1, maxElapsedTime: 5000 },
        } as never,
      },
    })
    started.server.serve({ message: 'busy' } as never, { status: 503 })
    started.server.serve(answer as never)
    await started.metered.chat.complete({ model, messages })
    expect(started.server.requests).toHaveLength(2)
    expect(started.records).toHaveLength(1)
  })
})
