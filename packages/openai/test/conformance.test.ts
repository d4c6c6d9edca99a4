import { describeProvider } from '@token-meter/testkit/suites'
import { chatSuite, create, open, promiseWays } from './chat-conformance.ts'
import { chatCompletion, chatRequest } from './scripts.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

const path = '/chat/completions'

for (const { major, OpenAI } of sdkMajors) {
  const suite = chatSuite({
    served: 'openai',
    client: (baseURL, apiKey) => new OpenAI({ apiKey, baseURL: `${baseURL}/v1`, maxRetries: 0 }),
    frozen: { of: (client) => client },
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
  describeProvider<SdkClient>(`openai ${major}`, suite)
}
