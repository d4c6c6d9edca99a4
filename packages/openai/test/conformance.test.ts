import { describeProvider, sdkPromiseWays } from '@token-meter/testkit/suites'
import { openaiProvider } from '../src/index.ts'
import { chatCompletion, chatRequest, chatScript, chatUsage, countedTokens } from './scripts.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

const usageFields = { input: 'prompt_tokens', output: 'completion_tokens', total: 'total_tokens' }
const [chunk] = chatScript
const delta = (delta: object, finish_reason: string | null = null) => ({
  ...chunk,
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
})
const answerOf = (message: object, usage: unknown) => ({
  ...chatCompletion,
  choices: [{ ...chatCompletion.choices[0], message: { role: 'assistant', ...message } }],
  usage,
})
const streamed = { ...chatRequest, stream: true } as const
const create = (client: SdkClient, request: object, options: object = {}) =>
  client.chat.completions.create(request as typeof chatRequest, options)
const open = (client: SdkClient, request: object, options: object = {}) =>
  client.chat.completions.create({ ...request, stream: true } as typeof streamed, options)

const promiseWays = sdkPromiseWays<SdkClient>(
  (client) => create(client, chatRequest),
  (client) => open(client, chatRequest),
)
const path = '/chat/completions'

for (const { major, OpenAI } of sdkMajors) {
  describeProvider<SdkClient>(`openai ${major}`, {
    provider: openaiProvider,
    client: (baseURL, apiKey) => new OpenAI({ apiKey, baseURL: `${baseURL}/v1`, maxRetries: 0 }),
    request: {
      of: (content) => ({ ...chatRequest, messages: [{ role: 'user', content }] }),
      paidBy: (user) => ({ ...chatRequest, user }),
      payer: ({ body }) => body.user,
    },
    send: create,
    stream: open,
    method: (client) => [client.chat.completions, 'create'],
    frozen: { of: (client) => client },
    mocked: (content) => answerOf({ content }, chatUsage),
    wire: {
      usage: chatUsage,
      usageOf: (counts) =>
        Object.fromEntries(
          Object.entries(counts).map(([name, count]) => [
            usageFields[name as keyof typeof usageFields],
            count,
          ]),
        ),
      answer: (content, usage) => answerOf({ content, refusal: null }, usage),
      events: (texts, usages) => [
        delta({ role: 'assistant', content: '' }),
        ...texts.map((content) => delta({ content })),
        delta({}, 'stop'),
        ...usages.map((usage) => ({ ...chunk, choices: [], usage })),
      ],
      toolCall: (usage) => {
        const called = { name: 'f', arguments: '{"sku":"sku_123"}' }
        const tool_calls = [{ id: 'call_1', type: 'function', function: called }]
        return answerOf({ content: null, tool_calls }, usage)
      },
      error: (message) => ({ error: { message, type: 'server_error' } }),
      errorEvent: (message) => ({ error: { message, code: 'server_error' } }),
    },
    read: {
      text: (answer) => (answer as typeof chatCompletion).choices[0]!.message.content,
      eventText: (event) => {
        const { choices } = event as { choices?: { delta: { content?: string } }[] }
        return choices?.[0]?.delta.content ?? ''
      },
      isLastWord: (event) => {
        const { choices } = event as { choices: { finish_reason: string | null }[] }
        return choices[0]?.finish_reason === 'stop'
      },
    },
    recorded: {
      whole: {
        provider: 'openai',
        endpoint: 'chat.completions',
        model: 'gpt-5.4-2026-03-05',
        requestedModel: 'gpt-5.4',
        tokens: countedTokens,
        details: { reasoning: 2 },
        responseId: 'chatcmpl-1',
        raw: chatUsage,
      },
      interrupted: { estimated: ['input', 'output'] },
    },
    ways: {
      whole: [
        ...promiseWays.whole,
        ['client.post', (client) => client.post(path, { body: chatRequest })],
        ['client.request', (client) => client.request({ method: 'post', path, body: chatRequest })],
        [
          'client.request, of options that are known later',
          (client) =>
            client.request(Promise.resolve({ method: 'post' as const, path, body: chatRequest })),
        ],
        ['withOptions', (client) => create(client.withOptions({ timeout: 5000 }), chatRequest)],
      ],
      streamed: [
        ...promiseWays.streamed,
        [
          'with usage asked for',
          async (client) => {
            const stream_options = { include_usage: true }
            for await (const _ of await open(client, { ...chatRequest, stream_options }));
          },
        ],
        [
          'tee(), both branches',
          async (client) => {
            const drain = async (branch: AsyncIterable<unknown>) => {
              for await (const _ of branch);
            }
            await Promise.all((await open(client, chatRequest)).tee().map(drain))
          },
        ],
        [
          'toReadableStream()',
          async (client) =>
            await new Response((await open(client, chatRequest)).toReadableStream()).text(),
        ],
        [
          'chat.completions.stream',
          (client) => client.chat.completions.stream(chatRequest).finalChatCompletion(),
        ],
      ],
    },
    billable: [
      ['responses.create', (client) => client.responses.create({ model: 'm', input: 'x' })],
      ['embeddings.create', (client) => client.embeddings.create({ model: 'm', input: 'x' })],
      ['client.post', (client) => client.post(path, { body: chatRequest })],
      [
        'chat.completions.stream',
        (client) => client.chat.completions.stream(chatRequest).finalChatCompletion(),
      ],
    ],
    free: [
      ['models.list', (client) => client.models.list(), { object: 'list', data: [] }],
      ['moderations.create', (client) => client.post('/moderations', { body: {} }), { ok: true }],
      ['a stored completion', (client) => client.get(`${path}/chatcmpl-1`), chatCompletion],
      ['its update', (client) => client.post(`${path}/chatcmpl-1`, { body: {} }), chatCompletion],
      ['the list of them', (client) => client.get(path), chatCompletion],
    ],
  })
}
