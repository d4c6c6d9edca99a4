import type { Metered } from './metered.ts'

export const model = 'gemma3'
export const messages = [{ role: 'user', content: 'Hi' }]
const answered = { model, created_at: '2025-10-17T23:14:07.414671Z' }
const times = {
  total_duration: 174560334,
  load_duration: 101397084,
  prompt_eval_duration: 13074791,
  eval_duration: 52479709,
}
const counts = { prompt_eval_count: 11, eval_count: 18 }
const stopped = { done: true, done_reason: 'stop' }

export const metrics = { ...times, ...counts }
export const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }

/** A whole answer of chat, or the last line of a stream. */
export const answer = (message: object = { content: 'Hello!' }, more: object = {}) => ({
  ...answered,
  message: { role: 'assistant', content: '', ...message },
  ...stopped,
  ...metrics,
  ...more,
})
export const part = (message: object) => ({
  ...answered,
  message: { role: 'assistant', content: '', ...message },
  done: false,
})
const generated = (more: object) => ({ ...answered, response: '', ...more })

export async function drain(stream: PromiseLike<AsyncIterable<unknown>>): Promise<void> {
  for await (const _ of await stream);
}

type Way = readonly [
  name: string,
  reply: object,
  call: (metered: Metered) => PromiseLike<unknown>,
  expected: object,
]

export const ways: readonly Way[] = [
  [
    'chat',
    answer(),
    ({ metered }) => metered.chat({ model, messages }),
    {
      endpoint: 'chat',
      model,
      requestedModel: model,
      tokens: { ...none, input: 11, output: 18 },
      outcome: 'complete',
      raw: metrics,
    },
  ],
  [
    'chat, streamed, with thoughts and a tool call',
    [
      part({ thinking: 'A tool would help' }),
      part({ tool_calls: [{ function: { name: 'weather', arguments: { city: 'Paris' } } }] }),
      answer({}, { prompt_eval_count: 169, eval_count: 15 }),
    ],
    ({ metered }) => drain(metered.chat({ model, messages, stream: true, think: true })),
    { endpoint: 'chat', tokens: { ...none, input: 169, output: 15 }, outcome: 'complete' },
  ],
  [
    'chat, with what was in the cache',
    answer(undefined, { prompt_eval_cached_count: 8 }),
    ({ metered }) => metered.chat({ model, messages }),
    { endpoint: 'chat', tokens: { ...none, input: 3, cachedInput: 8, output: 18 } },
  ],
  [
    'generate',
    generated({ ...stopped, ...metrics, response: 'Hello!', context: [1, 2, 3] }),
    ({ metered }) => metered.generate({ model, prompt: 'Hi' }),
    {
      endpoint: 'generate',
      model,
      tokens: { ...none, input: 11, output: 18 },
      outcome: 'complete',
      raw: metrics,
    },
  ],
  [
    'generate, streamed',
    [
      generated({ thinking: 'Hm', done: false }),
      generated({ response: 'Hello!', done: false }),
      generated({ ...stopped, ...metrics, context: [1, 2, 3] }),
    ],
    ({ metered }) => drain(metered.generate({ model, prompt: 'Hi', stream: true })),
    { endpoint: 'generate', tokens: { ...none, input: 11, output: 18 }, outcome: 'complete' },
  ],
  [
    'generate of an image',
    [
      generated({ done: false, completed: 1, total: 4 }),
      generated({ ...stopped, image: 'aGk=', prompt_eval_count: 9, eval_count: 0 }),
    ],
    ({ metered }) => drain(metered.generate({ model, prompt: 'A cat', stream: true })),
    {
      endpoint: 'generate',
      tokens: { ...none, input: 9 },
      details: { images: 1 },
      outcome: 'complete',
    },
  ],
  [
    'embed',
    { model: 'all-minilm', embeddings: [[0.1]], total_duration: 9, prompt_eval_count: 8 },
    ({ metered }) => metered.embed({ model: 'all-minilm', input: ['Why?', 'How?'] }),
    {
      endpoint: 'embed',
      model: 'all-minilm',
      tokens: { ...none, input: 8 },
      outcome: 'complete',
      raw: { total_duration: 9, prompt_eval_count: 8 },
    },
  ],
]
