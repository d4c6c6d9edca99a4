import type { Mistral } from '@mistralai/mistralai'
import { describeProvider } from '@token-meter/testkit/suites'
import { mistralProvider } from '../src/index.ts'
import { sdkMajors } from './metered.ts'

const model = 'mistral-large-latest'
const request = { model, messages: [{ role: 'user' as const, content: 'Hi' }] }
const usage = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 40 },
}
const answered = { id: 'cmpl_1', created: 1, model: 'mistral-large-2512' }
const usageFields = { input: 'prompt_tokens', output: 'completion_tokens', total: 'total_tokens' }

const answerOf = (message: object, given: unknown) => ({
  ...answered,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
  usage: given,
})
const chunk = (choices: readonly object[], more: object = {}) => ({
  ...answered,
  object: 'chat.completion.chunk',
  choices,
  ...more,
})
const delta = (given: object, finish_reason: string | null = null) => ({
  index: 0,
  delta: given,
  finish_reason,
})

type Sent = Parameters<Mistral['chat']['complete']>[0]
const send = (client: Mistral, body: object, options: object = {}) =>
  client.chat.complete(body as Sent, options)
const open = (client: Mistral, body: object, options: object = {}) =>
  client.chat.stream(body as Sent, options)

/** What the SDK makes impossible, by the name of the test. */
const except = {
  'what is written to one of them is read from the other':
    'what the SDK sends by is private, so the metered client is another object of the same class',
  'what is frozen works as it does raw: it is metered, or said not to be':
    'a frozen client cannot make its resources, raw neither',
  'a mock that never reaches the network is metered by what it resolves to':
    'what replaces a method stays in its place, and is not looked at',
  'a mock that was there before the client was metered':
    'what replaces a method stays in its place, and is not looked at',
  'a mocked fetch whose responses are of a kind without headers disturbs nobody':
    'the SDK refuses such responses itself',
}

/** SDK 1 leaves a rejection unhandled, raw too, where the JSON of an answer breaks off. */
const exceptOfMajor1 = {
  ...except,
  'a whole answer that breaks off half way is an estimate': 'SDK 1 leaves a rejection unhandled',
  'no text and no key is in the ledger, the log or the errors, whatever goes wrong':
    'SDK 1 leaves a rejection unhandled',
}

/**
 * The SDK sends a clone of its request. In Node, a clone passes no abort on once garbage was collected, so that a raw
 * stream hangs now and then (https://github.com/nodejs/undici/issues/4068). A copy that is kept does.
 */
const kept: Request[] = []
globalThis.Request = new Proxy(Request, {
  construct(target, args) {
    const request = Reflect.construct(target, args) as Request
    request.clone = () => {
      const copy = Reflect.construct(target, [request]) as Request
      kept.push(copy)
      return copy
    }
    kept.push(request)
    return request
  },
})

for (const { major, Mistral: Sdk } of sdkMajors) {
  describeProvider<Mistral>(`@mistralai/mistralai ${major}`, {
    provider: mistralProvider,
    except: major === 1 ? exceptOfMajor1 : except,
    client: (serverURL, apiKey) =>
      new Sdk({ apiKey, serverURL, retryConfig: { strategy: 'none' } }),
    request: {
      of: (content) => ({ ...request, messages: [{ role: 'user', content }] }),
      paidBy: (customer) => ({ ...request, metadata: { customer } }),
      payer: ({ body }) => body.metadata?.customer,
    },
    send,
    stream: open,
    method: (client) => [client.chat, 'complete'],
    mocked: (content) => answerOf({ content }, usage),
    wire: {
      usage,
      usageUnasked: true,
      usageOf: (counts) =>
        Object.fromEntries(
          Object.entries(counts).map(([name, count]) => [
            usageFields[name as keyof typeof usageFields],
            count,
          ]),
        ),
      answer: (content, given) => answerOf({ content }, given),
      events: (texts, usages) => [
        chunk([delta({ role: 'assistant', content: '' })]),
        ...texts.map((content) => chunk([delta({ content })])),
        ...usages.map((given) => chunk([delta({ content: '' }, 'stop')], { usage: given })),
      ],
      toolCall: (given) =>
        answerOf(
          {
            content: '',
            tool_calls: [{ id: 'c', function: { name: 'weather', arguments: '{"city":"Paris"}' } }],
          },
          given,
        ),
      error: (message) => ({ object: 'error', message, type: 'invalid_request', code: '1' }),
      errorEvent: (message) => ({ error: { message, type: 'server_error', code: '1' } }),
    },
    read: {
      text: (answer) =>
        (answer as { choices: { message: { content: string } }[] }).choices[0]!.message.content,
      eventText: (event) =>
        (event as { data?: { choices?: { delta: { content?: string } }[] } }).data?.choices?.[0]
          ?.delta.content ?? '',
      isLastWord: (event) =>
        (event as { data: { choices: { finishReason: string | null }[] } }).data.choices[0]
          ?.finishReason === 'stop',
    },
    recorded: {
      whole: {
        provider: 'mistral',
        endpoint: 'chat.completions',
        model: 'mistral-large-2512',
        requestedModel: model,
        tokens: { input: 60, cachedInput: 40, cachedWrite: 0, output: 20 },
        responseId: 'cmpl_1',
        raw: usage,
      },
      interrupted: { estimated: ['input', 'output'] },
      insideWrappers: false,
    },
  })
}
