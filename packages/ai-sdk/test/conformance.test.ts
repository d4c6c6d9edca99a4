import { describeProvider } from '@token-meter/testkit/suites'
import { aiSdkProvider } from '../src/index.ts'
import { chatCompletion, chatScript, chatUsage, countedTokens } from './scripts.ts'
import { type SdkMajor, sdkMajors } from './sdk-majors.ts'

type Model = ReturnType<ReturnType<SdkMajor['createOpenAI']>['chat']>
type Options = Parameters<Model['doGenerate']>[0]

const usageFields = { input: 'prompt_tokens', output: 'completion_tokens', total: 'total_tokens' }
const [chunk] = chatScript
const delta = (delta: object, finish_reason: string | null = null) => ({
  ...chunk,
  choices: [{ index: 0, delta, finish_reason }],
})
const answerOf = (message: object, usage: unknown) => ({
  ...chatCompletion,
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', ...message } }],
  usage,
})
const requestOf = (text: string) => ({
  prompt: [{ role: 'user', content: [{ type: 'text', text }] }],
})
const prompt = 'Say something short, please.'

const flat = { inputTokens: 11, outputTokens: 7, totalTokens: 18, cachedInputTokens: 4 }
const nested = {
  inputTokens: { total: 11, noCache: 7, cacheRead: 4, cacheWrite: 0 },
  outputTokens: { total: 7, text: 5, reasoning: 2 },
}

for (const { major, version, ai, createOpenAI } of sdkMajors) {
  describeProvider<Model>(`ai ${major}, a model`, {
    provider: aiSdkProvider,
    except: {
      'refused before it is sent: streamed, streamText':
        'streamText tells of errors by onError, see guarded.test.ts',
    },
    client: (baseUrl, apiKey) => createOpenAI({ apiKey, baseURL: `${baseUrl}/v1` }).chat('gpt-5.4'),
    request: {
      of: requestOf,
      paidBy: (user) => ({ ...requestOf(prompt), providerOptions: { openai: { user } } }),
      payer: ({ body }) => body['providerOptions']?.openai?.user,
    },
    send: (model, request, { signal }) =>
      model.doGenerate({ ...request, ...(signal && { abortSignal: signal }) } as Options),
    stream: async (model, request, { signal }) => {
      const options = { ...request, ...(signal && { abortSignal: signal }) } as Options
      return (await model.doStream(options)).stream
    },
    method: (model) => [model, 'doGenerate'],
    mocked: (text) => ({
      content: [{ type: 'text', text }],
      finishReason: version === 'v2' ? 'stop' : { unified: 'stop', raw: 'stop' },
      usage: version === 'v2' ? flat : nested,
      warnings: [],
    }),
    wire: {
      usage: chatUsage,
      ...(version !== 'v2' && { hasSeveralUsages: false }),
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
      errorEvent: (message) => ({ error: { message, type: 'server_error' } }),
    },
    read: {
      text: (answer) =>
        (answer as { content: { text?: string }[] }).content.map(({ text }) => text).join(''),
      eventText: (event) => {
        const { type, delta } = event as { type: string; delta?: string }
        return type === 'text-delta' ? delta! : ''
      },
      eventError: (event) => (event as { error?: unknown }).error,
      isLastWord: (event) => (event as { type: string }).type === 'finish',
    },
    recorded: {
      whole: {
        provider: 'openai',
        endpoint: 'languageModel',
        model: 'gpt-5.4-2026-03-05',
        requestedModel: 'gpt-5.4',
        tokens: countedTokens,
        details: { reasoning: 2 },
        serviceTier: 'priority',
        responseId: 'chatcmpl-1',
        raw: chatUsage,
      },
      // A stream has no tier.
      streamed: { tokens: countedTokens, serviceTier: null },
      method: 'doGenerate',
      interrupted: { estimated: ['input', 'output'] },
    },
    ways: {
      whole: [['generateText', (model) => ai.generateText({ model, prompt })]],
      streamed: [['streamText', (model) => ai.streamText({ model, prompt }).text]],
    },
    billable: [['generateText', (model) => ai.generateText({ model, prompt })]],
  })
}
