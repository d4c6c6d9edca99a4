import type { ProviderUnderTest } from '@token-meter/testkit/suites'
import { sdkPromiseWays } from '@token-meter/testkit/suites'
import { openaiProvider } from '../src/index.ts'
import { chatCompletion, chatRequest, chatScript, chatUsage, countedTokens } from './scripts.ts'
import type { SdkClient } from './sdk-majors.ts'

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
/** Asks for a whole chat completion. */
export const create = (client: SdkClient, request: object, options: object = {}) =>
  client.chat.completions.create(request as typeof chatRequest, options)
/** Asks for a streamed one. */
export const open = (client: SdkClient, request: object, options: object = {}) =>
  client.chat.completions.create({ ...request, stream: true } as typeof streamed, options)

/** The same chat completion, by every way that the SDK's promises know. */
export const promiseWays = sdkPromiseWays<SdkClient>(
  (client) => create(client, chatRequest),
  (client) => open(client, chatRequest),
)

type Suite = ProviderUnderTest<SdkClient>

/** The suite of an SDK whose chat completions are OpenAI's; `own` is what is special about it. */
export function chatSuite(
  own: Pick<Suite, 'client'> & Omit<Partial<Suite>, 'recorded'> & { readonly served: string },
): Suite {
  const { served, ...rest } = own
  return {
    provider: openaiProvider,
    request: {
      of: (content) => ({ ...chatRequest, messages: [{ role: 'user', content }] }),
      paidBy: (user) => ({ ...chatRequest, user }),
      payer: ({ body }) => body.user,
    },
    send: create,
    stream: open,
    method: (client) => [client.chat.completions, 'create'],
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
        provider: served,
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
    ...rest,
  }
}
