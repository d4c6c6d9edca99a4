import type { Metered } from './metered.ts'

export const model = 'command-a-03-2025'
export const messages = [{ role: 'user' as const, content: 'Hi' }]
export const answer = {
  id: 'chat_1',
  message: { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
  finish_reason: 'COMPLETE',
  usage: {
    billed_units: { input_tokens: 5, output_tokens: 418 },
    tokens: { input_tokens: 71, output_tokens: 418 },
    cached_tokens: 64,
  },
}
export const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
export const meta = (billed_units: object, more: object = {}) => ({
  api_version: { version: '1' },
  billed_units,
  ...more,
})

/** As v1 sends a stream: a line of JSON for each event. */
export const lines = (events: readonly object[]) =>
  new TextEncoder().encode(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
export const asLines = { headers: { 'content-type': 'application/stream+json' } }

export type Way = readonly [
  name: string,
  reply: object,
  call: (metered: Metered) => PromiseLike<unknown>,
  expected: object,
]

export async function drain(stream: PromiseLike<AsyncIterable<unknown>>): Promise<void> {
  for await (const _ of await stream);
}

export const rerankRequest = {
  model: 'rerank-v4.0-pro',
  query: 'capital?',
  documents: ['Paris', 'Rome'],
}
export const reranked = {
  id: 'rerank_1',
  results: [{ index: 0, relevance_score: 0.9 }],
  meta: meta({ search_units: 1 }),
}
export const embedded = {
  id: 'embed_1',
  embeddings: { float: [[0.1]] },
  texts: ['hello'],
  meta: meta({ input_tokens: 2 }),
}

export const ways: readonly Way[] = [
  [
    'v2.chat',
    answer,
    ({ metered }) => metered.v2.chat({ model, messages }),
    {
      endpoint: 'chat',
      model,
      tokens: { ...none, input: 5, output: 418 },
      outcome: 'complete',
      responseId: 'chat_1',
      raw: answer.usage,
    },
  ],
  [
    'chat of CohereClientV2',
    answer,
    ({ meteredV2 }) => meteredV2.chat({ model, messages }),
    { endpoint: 'chat', tokens: { ...none, input: 5, output: 418 }, outcome: 'complete' },
  ],
  [
    'chatStream of CohereClientV2, with thinking, a plan and a tool call',
    [
      { type: 'message-start', id: 'chat_2', delta: { message: { role: 'assistant' } } },
      {
        type: 'content-delta',
        index: 0,
        delta: { message: { content: { thinking: 'Perhaps a tool' } } },
      },
      { type: 'tool-plan-delta', delta: { message: { tool_plan: 'I will ask' } } },
      {
        type: 'tool-call-start',
        index: 0,
        delta: {
          message: {
            tool_calls: { id: 'c', type: 'function', function: { name: 'sales', arguments: '' } },
          },
        },
      },
      {
        type: 'tool-call-delta',
        index: 0,
        delta: { message: { tool_calls: { function: { arguments: '{"day":1}' } } } },
      },
      {
        type: 'message-end',
        delta: {
          finish_reason: 'TOOL_CALL',
          usage: {
            billed_units: { input_tokens: 126, output_tokens: 84 },
            tokens: { input_tokens: 1589, output_tokens: 135 },
          },
        },
      },
    ],
    ({ meteredV2 }) => drain(meteredV2.chatStream({ model, messages })),
    {
      endpoint: 'chat',
      model,
      tokens: { ...none, input: 126, output: 84 },
      outcome: 'complete',
      responseId: 'chat_2',
    },
  ],
  [
    'chat of v1',
    {
      response_id: 'resp_1',
      text: 'Hello',
      generation_id: 'gen_1',
      finish_reason: 'COMPLETE',
      meta: meta(
        { input_tokens: 682, output_tokens: 143, search_units: 2 },
        { tokens: { input_tokens: 1200, output_tokens: 143 }, warnings: ['v1 ends some day'] },
      ),
    },
    ({ metered }) => metered.chat({ model, message: 'Hi' }),
    {
      endpoint: 'chat',
      model,
      tokens: { ...none, input: 682, output: 143 },
      details: { searchUnits: 2 },
      responseId: 'resp_1',
      raw: {
        billed_units: { input_tokens: 682, output_tokens: 143, search_units: 2 },
        tokens: { input_tokens: 1200, output_tokens: 143 },
      },
    },
  ],
  [
    'chatStream of v1',
    lines([
      { is_finished: false, event_type: 'stream-start', generation_id: 'gen_2' },
      { is_finished: false, event_type: 'text-generation', text: 'Hel' },
      { is_finished: false, event_type: 'text-generation', text: 'lo' },
      {
        is_finished: true,
        event_type: 'stream-end',
        finish_reason: 'COMPLETE',
        response: {
          response_id: 'resp_2',
          text: 'Hello',
          meta: meta({ input_tokens: 3, output_tokens: 9 }),
        },
      },
    ]),
    ({ metered }) => drain(metered.chatStream({ message: 'Hi' })),
    {
      endpoint: 'chat',
      model: 'unknown',
      tokens: { ...none, input: 3, output: 9 },
      outcome: 'complete',
      responseId: 'gen_2',
    },
  ],
  [
    'generate',
    {
      id: 'gen_3',
      generations: [{ id: 'g', text: 'Once' }],
      meta: meta({ input_tokens: 8, output_tokens: 442 }),
    },
    ({ metered }) => metered.generate({ prompt: 'Please tell' }),
    { endpoint: 'generate', tokens: { ...none, input: 8, output: 442 }, responseId: 'gen_3' },
  ],
  [
    'summarize',
    { id: 'sum_1', summary: 'Short', meta: meta({ input_tokens: 321, output_tokens: 55 }) },
    ({ metered }) => metered.summarize({ text: 'Long' }),
    { endpoint: 'summarize', tokens: { ...none, input: 321, output: 55 } },
  ],
  [
    'v2.embed',
    embedded,
    ({ metered }) =>
      metered.v2.embed({ model: 'embed-v4.0', inputType: 'search_query', texts: ['hello'] }),
    {
      endpoint: 'embed',
      model: 'embed-v4.0',
      tokens: { ...none, input: 2 },
      outcome: 'complete',
      responseId: 'embed_1',
    },
  ],
  [
    'embed of v1',
    { ...embedded, embeddings: [[0.1]], response_type: 'embeddings_floats' },
    ({ metered }) =>
      metered.embed({ model: 'embed-english-v3.0', inputType: 'search_query', texts: ['hello'] }),
    { endpoint: 'embed', model: 'embed-english-v3.0', tokens: { ...none, input: 2 } },
  ],
  [
    'embed of CohereClientV2, images by their tokens beside those of text',
    { ...embedded, meta: meta({ input_tokens: 11, image_tokens: 1610, images: 1 }) },
    ({ meteredV2 }) =>
      meteredV2.embed({
        model: 'embed-v4.0',
        inputType: 'search_document',
        inputs: [{ content: [{ type: 'text', text: 'hello' }] }],
      }),
    {
      endpoint: 'embed',
      tokens: { ...none, input: 1621 },
      details: { imageInput: 1610, images: 1 },
      outcome: 'complete',
    },
  ],
  [
    'v2.embed, images by the piece',
    { ...embedded, texts: [], meta: meta({ images: 1 }) },
    ({ metered }) =>
      metered.v2.embed({ model: 'embed-english-v3.0', inputType: 'image', images: ['data:,'] }),
    { endpoint: 'embed', tokens: none, details: { images: 1 }, outcome: 'complete' },
  ],
  [
    'v2.rerank',
    reranked,
    ({ metered }) => metered.v2.rerank(rerankRequest),
    {
      endpoint: 'rerank',
      model: 'rerank-v4.0-pro',
      tokens: none,
      details: { searchUnits: 1 },
      outcome: 'complete',
      responseId: 'rerank_1',
    },
  ],
  [
    'rerank of CohereClientV2',
    { ...reranked, meta: meta({ search_units: 3 }) },
    ({ meteredV2 }) => meteredV2.rerank(rerankRequest),
    { endpoint: 'rerank', tokens: none, details: { searchUnits: 3 } },
  ],
  [
    'rerank of v1',
    reranked,
    ({ metered }) => metered.rerank(rerankRequest),
    { endpoint: 'rerank', tokens: none, details: { searchUnits: 1 } },
  ],
  [
    'classify',
    { id: 'class_1', classifications: [], meta: meta({ classifications: 2 }) },
    ({ metered }) =>
      metered.classify({ model: 'embed-english-v3.0', inputs: ['spam?', 'ham?'], examples: [] }),
    {
      endpoint: 'classify',
      model: 'embed-english-v3.0',
      tokens: none,
      details: { classifications: 2 },
      outcome: 'complete',
    },
  ],
]
