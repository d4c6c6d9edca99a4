import { describeProvider, sdkPromiseWays } from '@token-meter/testkit/suites'
import { anthropicProvider } from '../src/index.ts'
import { countedDetails, countedTokens, message, request, usage } from './scripts.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

const usageFields = { input: 'input_tokens', output: 'output_tokens', total: undefined }
const streamed = { ...request, stream: true } as const
const create = (client: SdkClient, body: object, options: object = {}) =>
  client.messages.create(body as typeof request, options)
const open = (client: SdkClient, body: object, options: object = {}) =>
  client.messages.create({ ...body, stream: true } as typeof streamed, options)
const promiseWays = sdkPromiseWays<SdkClient>(
  (client) => create(client, request),
  (client) => open(client, request),
)

const path = '/v1/messages'
const drain = async (stream: unknown) => {
  for await (const _ of stream as AsyncIterable<unknown>);
}

/** Of a stream, the first event has the input, and an output of which nothing is there yet. */
function started(first: unknown): unknown {
  if (first === usage) {
    const { output_tokens_details: _, server_tool_use: __, ...rest } = usage
    return { ...rest, output_tokens: 1 }
  }
  const { output_tokens: _, ...rest } = (first ?? {}) as Partial<typeof usage>
  return { ...rest, output_tokens: (first as typeof usage)?.output_tokens === 0 ? 0 : 1 }
}

/** Middleware of the caller's own, through which later versions send every request. */
const own = async (sent: unknown, next: (sent: unknown) => Promise<Response>) => await next(sent)

const clients = sdkMajors.flatMap(({ version, Anthropic }) => [
  { name: `@anthropic-ai/sdk ${version}`, Anthropic, options: {} },
  ...(version === 0.6
    ? []
    : [
        {
          name: `@anthropic-ai/sdk ${version} with middleware`,
          Anthropic,
          options: { middleware: [own] },
        },
      ]),
])

for (const { name, Anthropic, options } of clients) {
  describeProvider<SdkClient>(name, {
    provider: anthropicProvider,
    client: (baseURL, apiKey) =>
      new Anthropic({ apiKey, baseURL, maxRetries: 0, ...(options as object) }),
    request: {
      of: (content) => ({ ...request, messages: [{ role: 'user', content }] }),
      paidBy: (user_id) => ({ ...request, metadata: { user_id } }),
      payer: ({ body }) => body.metadata?.user_id,
    },
    send: create,
    stream: open,
    method: (client) => [client.messages, 'create'],
    frozen: { of: (client) => client },
    except: {
      'refused before it is sent: streamed, messages.stream, by its events':
        'it waits for an event that no error brings',
    },
    mocked: (text) => ({ ...message, content: [{ type: 'text', text }] }),
    wire: {
      usage,
      hasTotal: false,
      usageOf: (counts) =>
        Object.fromEntries(
          Object.entries(counts).flatMap(([name, count]) => {
            const field = usageFields[name as keyof typeof usageFields]
            return field === undefined ? [] : [[field, count]]
          }),
        ),
      answer: (text, given) => ({ ...message, content: [{ type: 'text', text }], usage: given }),
      events: (texts, usages) => [
        {
          type: 'message_start',
          message: { ...message, content: [], stop_reason: null, usage: started(usages[0]) },
        },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        ...texts.map((text) => ({
          type: 'content_block_delta',
          index: 0,
          delta: { type: 'text_delta', text },
        })),
        { type: 'content_block_stop', index: 0 },
        ...usages.map((given) => ({
          type: 'message_delta',
          delta: { stop_reason: 'end_turn', stop_sequence: null },
          usage: given,
        })),
        { type: 'message_stop' },
      ],
      toolCall: (given) => ({
        ...message,
        content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }],
        stop_reason: 'tool_use',
        usage: given,
      }),
      error: (said) => ({ type: 'error', error: { type: 'api_error', message: said } }),
      errorEvent: (said) => ({ type: 'error', error: { type: 'overloaded_error', message: said } }),
    },
    read: {
      text: (answer) => (answer as typeof message).content[0]!.text,
      eventText: (event) => (event as { delta?: { text?: string } }).delta?.text ?? '',
      isLastWord: (event) => (event as { type: string }).type === 'message_delta',
    },
    recorded: {
      whole: {
        provider: 'anthropic',
        endpoint: 'messages',
        model: 'claude-sonnet-5-20260203',
        requestedModel: 'claude-sonnet-5',
        tokens: countedTokens,
        details: countedDetails,
        serviceTier: 'standard',
        responseId: 'msg_1',
        raw: usage,
      },
      interrupted: {
        tokens: { input: 10, cachedInput: 1000, cachedWrite: 100 },
        estimated: ['output'],
      },
    },
    ways: {
      whole: [
        ...promiseWays.whole,
        ['beta.messages.create', (client) => client.beta.messages.create(request)],
        ['client.post', (client) => client.post(path, { body: request })],
        [
          'client.post of options that are known later',
          (client) => client.post(path, Promise.resolve({ body: request })),
        ],
        ['client.request', (client) => client.request({ method: 'post', path, body: request })],
        [
          'client.request of options that are known later',
          (client) =>
            client.request(Promise.resolve({ method: 'post' as const, path, body: request })),
        ],
        ['withOptions', (client) => create(client.withOptions({ timeout: 5000 }), request)],
      ],
      streamed: [
        ...promiseWays.streamed,
        [
          'beta.messages.create',
          async (client) => drain(await client.beta.messages.create(streamed)),
        ],
        ['messages.stream', (client) => client.messages.stream(request).finalMessage()],
        ['messages.stream, iterated', (client) => drain(client.messages.stream(request))],
        [
          'messages.stream, by its events',
          (client) =>
            new Promise((resolve) => client.messages.stream(request).on('finalMessage', resolve)),
        ],
        ['beta.messages.stream', (client) => client.beta.messages.stream(request).finalMessage()],
        [
          'client.post',
          async (client) => drain(await client.post(path, { body: streamed, stream: true })),
        ],
        [
          'tee(), both branches',
          async (client) => await Promise.all((await open(client, request)).tee().map(drain)),
        ],
        [
          'toReadableStream()',
          async (client) =>
            await new Response((await open(client, request)).toReadableStream()).text(),
        ],
      ],
    },
    billable: [
      ['beta.messages.create', (client) => client.beta.messages.create(streamed)],
      ['messages.stream', (client) => client.messages.stream(request).finalMessage()],
      ['client.post', (client) => client.post(path, { body: request })],
    ],
    free: [
      [
        'messages.countTokens',
        (client) => client.messages.countTokens(request),
        { input_tokens: 5 },
      ],
      ['models.list', (client) => client.models.list(), { data: [] }],
    ],
  })
}
