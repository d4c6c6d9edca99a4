import { describeProvider } from '@token-meter/testkit/suites'
import { googleProvider } from '../src/index.ts'
import { readAll } from './metered.ts'
import { contentAnswer, contentUsage, countedTokens, model, request } from './scripts.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

const usageFields = {
  input: 'promptTokenCount',
  output: 'candidatesTokenCount',
  total: 'totalTokenCount',
}
const { candidates: _, usageMetadata: __, ...common } = contentAnswer
const candidate = (parts: readonly object[], finishReason?: string) => ({
  content: { role: 'model', parts },
  index: 0,
  ...(finishReason && { finishReason }),
})

/** Off, or SDK 3 goes on where a stream was cut. */
const once = { automaticContinuation: false }

type Content = Parameters<SdkClient['models']['generateContent']>[0]

function withSignal(given: object, signal: AbortSignal | undefined): Content {
  const { config, ...rest } = given as Content
  return { ...rest, config: { ...config, ...once, ...(signal && { abortSignal: signal }) } }
}

for (const { major, GoogleGenAI } of sdkMajors) {
  describeProvider<SdkClient>(`genai ${major}`, {
    provider: googleProvider,
    client: (baseUrl, apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl } }),
    request: {
      of: (contents) => ({ model, contents }),
      // The API has no field for it.
      paidBy: (systemInstruction) => ({ ...request, config: { systemInstruction } }),
      payer: ({ body }) => body['systemInstruction']?.parts?.[0]?.text,
    },
    send: (client, given, { signal }) => client.models.generateContent(withSignal(given, signal)),
    stream: (client, given, { signal }) =>
      client.models.generateContentStream(withSignal(given, signal)),
    method: (client) => [client.models, 'generateContent'],
    frozen: { of: (client) => client.models, isToldOnce: true },
    mocked: (text) => ({ ...contentAnswer, candidates: [candidate([{ text }], 'STOP')] }),
    wire: {
      usage: contentUsage,
      usageOf: (counts) =>
        Object.fromEntries(
          Object.entries(counts).map(([name, count]) => [
            usageFields[name as keyof typeof usageFields],
            count,
          ]),
        ),
      answer: (text, usageMetadata) => ({
        ...common,
        candidates: [candidate([{ text }], 'STOP')],
        usageMetadata,
      }),
      events: (texts, usages) => [
        ...texts.map((text) => ({ ...common, candidates: [candidate([{ text }])] })),
        ...usages.map((usageMetadata) => ({
          ...common,
          candidates: [candidate([], 'STOP')],
          usageMetadata,
        })),
      ],
      toolCall: (usageMetadata) => ({
        ...common,
        candidates: [candidate([{ functionCall: { name: 'f', args: {} } }], 'STOP')],
        usageMetadata,
      }),
      error: (message) => ({ error: { code: 500, message, status: 'X' } }),
      errorEvent: (message) => ({ error: { code: 503, message, status: 'UNAVAILABLE' } }),
    },
    read: {
      text: textOf,
      eventText: textOf,
      isLastWord: (event) =>
        (event as { candidates?: { finishReason?: string }[] }).candidates?.[0]?.finishReason !==
        undefined,
    },
    recorded: {
      whole: {
        provider: 'google',
        endpoint: 'generateContent',
        model: 'gemini-3-flash-001',
        requestedModel: model,
        tokens: countedTokens,
        details: { reasoning: 6 },
        responseId: 'r1',
        // SDK 2 and 3 write a count of their own into the answer.
        raw: contentUsage,
      },
      interrupted: { estimated: ['input', 'output'] },
      readsOn: true,
      // A module that is not the SDK's own is left alone.
      insideWrappers: false,
    },
    ways: {
      whole: [
        [
          'a function taken off its module',
          async ({ models }) => {
            const { generateContent } = models
            await generateContent(request)
          },
        ],
        [
          'chats, sendMessage',
          (client) => client.chats.create({ model }).sendMessage({ message: 'x' }),
        ],
      ],
      streamed: [
        [
          'chats, sendMessageStream',
          async (client) =>
            readAll(await client.chats.create({ model }).sendMessageStream({ message: 'x' })),
        ],
      ],
    },
    billable: [
      ['models.embedContent', (client) => client.models.embedContent({ model, contents: 'x' })],
      [
        'chats, sendMessage',
        (client) => client.chats.create({ model }).sendMessage({ message: 'x' }),
      ],
      [
        'chats, sendMessageStream',
        (client) => client.chats.create({ model }).sendMessageStream({ message: 'x' }),
      ],
      ['batches.create', (client) => client.batches.create({ model, src: [{ contents: 'x' }] })],
      [
        'interactions.create',
        (client) => client.interactions.create({ model: 'm', input: 'x' } as never),
      ],
    ],
    free: [
      [
        'models.countTokens',
        (client) => client.models.countTokens({ model, contents: 'x' }),
        { totalTokens: 3 },
      ],
    ],
  })
}

function textOf(answer: unknown): string {
  const { candidates } = answer as Partial<typeof contentAnswer>
  return candidates?.[0]?.content.parts[0]?.text ?? ''
}
