import type { ChatRequest, Ollama } from 'ollama'
import { describeProvider } from '@token-meter/testkit/suites'
import { ollamaProvider } from '../src/index.ts'
import { ndjson, sdkMinors } from './metered.ts'

const model = 'gemma3'
const request = { model, messages: [{ role: 'user', content: 'Hi' }] }
const usage = {
  prompt_eval_count: 100,
  prompt_eval_cached_count: 40,
  eval_count: 20,
  total_duration: 174560334,
  prompt_eval_duration: 13074791,
}
const usageFields = { input: 'prompt_eval_count', output: 'eval_count', total: 'total' }

const answered = { model, created_at: '2026-01-01T00:00:00Z' }
/** Ollama's counts stand among the other fields of the answer. */
const counted = (given: unknown) =>
  typeof given === 'object' && given !== null && !Array.isArray(given)
    ? given
    : { prompt_eval_count: given, eval_count: given }
const answerOf = (message: object, given: unknown) => ({
  ...answered,
  message: { role: 'assistant', content: '', ...message },
  done: true,
  done_reason: 'stop',
  ...counted(given),
})

/**
 * Node cancels the body of a response that is collected before the body is read, and the SDK holds the
 * body alone: a raw stream that is read late can be cut. Here each response is held.
 */
const held: Response[] = []
const holdingFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  held.push(response)
  return response
}

interface Options {
  readonly signal?: AbortSignal
}

/** What the SDK makes impossible, by the name of the test. */
const except = {
  'aborted while the guard decides: ends as it does raw, and nothing is sent':
    'the SDK takes no signal for a whole answer',
  "the caller's request object is not changed, and may be frozen":
    'the SDK writes into the request itself, raw too',
  'a mock that never reaches the network is metered by what it resolves to':
    'what replaces a method stays in its place, and is not looked at',
  'a mock that was there before the client was metered':
    'what replaces a method stays in its place, and is not looked at',
  'dropped half way: recorded once nobody can read it any more':
    'the client keeps each stream in a list until its end, so that none is dropped',
  'a stream that is dropped half way is recorded once nobody can read it any more':
    'the client keeps each stream in a list until its end, so that none is dropped',
  'never read: recorded once nobody can read it any more':
    'the client keeps each stream in a list until its end, so that none is dropped',
  'never waited for: recorded once nobody can read it any more':
    'the client keeps each stream in a list until its end, so that none is dropped',
}

for (const { minor, Ollama: Sdk } of sdkMinors) {
  describeProvider<Ollama>(`ollama ${minor}`, {
    provider: ollamaProvider,
    except,
    client: (host, key) =>
      new Sdk({ host, headers: { authorization: `Bearer ${key}` }, fetch: holdingFetch }),
    request: {
      of: (content) => ({ ...request, messages: [{ role: 'user', content }] }),
      paidBy: (customer) => ({ ...request, user: customer }),
      payer: ({ body }) => body.user as string | undefined,
    },
    send: (client, body) => client.chat({ ...(body as ChatRequest), stream: false }),
    async stream(client, body, { signal }: Options) {
      const stream = await client.chat({ ...(body as ChatRequest), stream: true })
      signal?.addEventListener('abort', () => stream.abort())
      if (signal?.aborted === true) stream.abort()
      return stream
    },
    method: (client) => [client, 'chat'],
    frozen: { of: (client) => client },
    mocked: (content) => answerOf({ content }, usage),
    wire: {
      usage,
      framing: ndjson,
      hasTotal: false,
      hasSeveralUsages: false,
      usageOf: (counts) =>
        Object.fromEntries(
          Object.entries(counts).map(([name, count]) => [
            usageFields[name as keyof typeof usageFields],
            count,
          ]),
        ),
      answer: (content, given) => answerOf({ content }, given),
      events: (texts, usages) => [
        ...texts.map((content) => ({
          ...answered,
          message: { role: 'assistant', content },
          done: false,
        })),
        ...usages.map((given) => answerOf({}, given)),
      ],
      toolCall: (given) =>
        answerOf(
          { tool_calls: [{ function: { name: 'weather', arguments: { city: 'Paris' } } }] },
          given,
        ),
      error: (error) => ({ error }),
      errorEvent: (error) => ({ error }),
    },
    read: {
      text: (answer) => (answer as { message: { content: string } }).message.content,
      eventText: (event) => (event as { message?: { content: string } }).message?.content ?? '',
      isLastWord: (event) => (event as { done: boolean }).done,
    },
    recorded: {
      whole: {
        provider: 'ollama',
        endpoint: 'chat',
        model,
        requestedModel: model,
        tokens: { input: 60, cachedInput: 40, cachedWrite: 0, output: 20 },
        raw: usage,
      },
      interrupted: { estimated: ['input', 'output'] },
      insideWrappers: false,
    },
  })
}
