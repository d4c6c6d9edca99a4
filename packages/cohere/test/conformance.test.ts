import type { CohereClient, CohereClientV2 } from 'cohere-ai'
import { describeProvider } from '@token-meter/testkit/suites'
import { cohereProvider } from '../src/index.ts'
import { sdkMajors } from './metered.ts'

const model = 'command-a-03-2025'
const request = { model, messages: [{ role: 'user' as const, content: 'Hi' }] }
const usage = {
  billed_units: { input_tokens: 100, output_tokens: 20 },
  tokens: { input_tokens: 571, output_tokens: 24 },
  cached_tokens: 448,
}
const usageFields = { input: 'input_tokens', output: 'output_tokens' }

const answerOf = (message: object, given: unknown) => ({
  id: 'chat_1',
  message: { role: 'assistant', ...message },
  finish_reason: 'COMPLETE',
  usage: given,
})

type V2Client = Pick<CohereClientV2, 'chat' | 'chatStream'>
type Sent = Parameters<CohereClientV2['chat']>[0]
interface Options {
  readonly signal?: AbortSignal
}

const requestOptions = ({ signal }: Options) =>
  signal === undefined ? {} : { abortSignal: signal }

/** What the SDK makes impossible, by the name of the test. */
const except = {
  'a mock that never reaches the network is metered by what it resolves to':
    'what replaces a method stays in its place, and is not looked at',
  'a mock that was there before the client was metered':
    'what replaces a method stays in its place, and is not looked at',
  'a whole answer that breaks off half way is an estimate':
    'the SDK resolves such an answer to an object that says so, see client.test.ts',
}

/** One way to v2's chat: below a client of v1, or on a client that has all methods of v2 itself. */
function suite<Client extends CohereClient | CohereClientV2>(
  client: (url: string, token: string) => Client,
  v2: (client: Client) => V2Client,
) {
  describeProvider<Client>(client.name, {
    provider: cohereProvider,
    except,
    client,
    request: {
      of: (content) => ({ ...request, messages: [{ role: 'user', content }] }),
      paidBy: (customer) => ({ ...request, metadata: { customer } }),
      payer: ({ body }) => body.metadata?.customer,
    },
    send: (metered, body, options) => v2(metered).chat(body as Sent, requestOptions(options)),
    stream: (metered, body, options) =>
      v2(metered).chatStream(body as Sent, requestOptions(options)),
    method: (metered) => [v2(metered), 'chat'],
    frozen: { of: v2 },
    mocked: (content) => answerOf({ content: [{ type: 'text', text: content }] }, usage),
    wire: {
      usage,
      hasTotal: false,
      usageOf: (counts) => ({
        billed_units: Object.fromEntries(
          Object.entries(counts)
            .filter(([name]) => name !== 'total')
            .map(([name, count]) => [usageFields[name as keyof typeof usageFields], count]),
        ),
      }),
      answer: (text, given) => answerOf({ content: [{ type: 'text', text }] }, given),
      events: (texts, usages) => [
        { type: 'message-start', id: 'chat_1', delta: { message: { role: 'assistant' } } },
        {
          type: 'content-start',
          index: 0,
          delta: { message: { content: { type: 'text', text: '' } } },
        },
        ...texts.map((text) => ({
          type: 'content-delta',
          index: 0,
          delta: { message: { content: { text } } },
        })),
        { type: 'content-end', index: 0 },
        ...usages.map((given) => ({
          type: 'message-end',
          delta: { finish_reason: 'COMPLETE', usage: given },
        })),
      ],
      toolCall: (given) =>
        answerOf(
          {
            tool_calls: [
              {
                id: 'c',
                type: 'function',
                function: { name: 'weather', arguments: '{"city":"Paris"}' },
              },
            ],
          },
          given,
        ),
      error: (message) => ({ id: 'e', message }),
      errorEvent: (message) => ({
        type: 'message-end',
        delta: { finish_reason: 'ERROR', error: message },
      }),
    },
    read: {
      text: (answer) =>
        (answer as { message: { content: { text: string }[] } }).message.content[0]!.text,
      eventText: (event) =>
        (event as { delta?: { message?: { content?: { text?: string } } } }).delta?.message?.content
          ?.text ?? '',
      isLastWord: (event) => (event as { type: string }).type === 'message-end',
    },
    recorded: {
      whole: {
        provider: 'cohere',
        endpoint: 'chat',
        model,
        requestedModel: model,
        tokens: { input: 100, cachedInput: 0, cachedWrite: 0, output: 20 },
        responseId: 'chat_1',
        raw: usage,
      },
      interrupted: { estimated: ['input', 'output'] },
      insideWrappers: false,
    },
  })
}

for (const { major, CohereClient, CohereClientV2 } of sdkMajors) {
  const settings = (environment: string, token: string) => ({ environment, token, maxRetries: 0 })
  const named = <Make extends object>(make: Make, name: string): Make =>
    Object.defineProperty(make, 'name', { value: `cohere-ai ${major}: ${name}` })
  suite(
    named(
      (url: string, token: string) => new CohereClient(settings(url, token)),
      'CohereClient.v2',
    ),
    (client) => client.v2,
  )
  suite(
    named(
      (url: string, token: string) => new CohereClientV2(settings(url, token)),
      'CohereClientV2',
    ),
    (client) => client,
  )
}
