import type { ReplayEvent } from '@token-meter/testkit'

/** 11 input tokens of which 4 are cached, 7 output tokens of which 2 are reasoning. */
export const chatUsage = {
  prompt_tokens: 11,
  completion_tokens: 7,
  total_tokens: 18,
  prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 2 },
}

/** What `chatUsage` and `responseUsage` come out as. */
export const countedTokens = { input: 7, cachedInput: 4, cachedWrite: 0, output: 7 }

const chunk = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-5.4-2026-03-05',
}
const delta = (content: string, finish_reason: string | null = null): ReplayEvent => ({
  ...chunk,
  choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason }],
})

/** A streamed chat completion as OpenAI sends it; the last chunk only to who asks for usage. */
export const chatScript: readonly ReplayEvent[] = [
  {
    ...chunk,
    choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
  },
  delta('{"a"'),
  delta(':'),
  delta('1}'),
  { ...chunk, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }] },
  { ...chunk, choices: [], usage: chatUsage },
]

export const chatCompletion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5.4-2026-03-05',
  choices: [
    {
      index: 0,
      finish_reason: 'stop',
      logprobs: null,
      message: { role: 'assistant', content: '{"a":1}', refusal: null },
    },
  ],
  usage: chatUsage,
}

export const toolCallCompletion = {
  ...chatCompletion,
  choices: [
    {
      index: 0,
      finish_reason: 'tool_calls',
      message: {
        role: 'assistant',
        content: null,
        refusal: null,
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } },
        ],
      },
    },
  ],
}

export const responseUsage = {
  input_tokens: 11,
  input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
  output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 18,
}

export const finishedResponse = {
  id: 'resp_1',
  object: 'response',
  created_at: Math.floor(Date.now() / 1000),
  status: 'completed',
  background: false,
  model: 'gpt-5.4-2026-03-05',
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: '{"a":1}', annotations: [] }],
    },
  ],
  usage: responseUsage,
  tools: [],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  text: { format: { type: 'text' } },
  error: null,
  incomplete_details: null,
  instructions: null,
  metadata: {},
}

/** A response that was accepted and has nothing to show yet. */
export const queuedResponse = {
  ...finishedResponse,
  background: true,
  status: 'queued',
  output: [],
  usage: null,
}

const started = { ...finishedResponse, status: 'in_progress', output: [], usage: null }
const message = finishedResponse.output[0]
const part = { item_id: 'msg_1', output_index: 0, content_index: 0 }

/** A streamed response. */
export const responseScript: readonly ReplayEvent[] = [
  { type: 'response.created', response: started },
  { type: 'response.in_progress', response: started },
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: { ...message, status: 'in_progress', content: [] },
  },
  {
    type: 'response.content_part.added',
    ...part,
    part: { type: 'output_text', text: '', annotations: [] },
  },
  { type: 'response.output_text.delta', ...part, delta: '{"a":1}', logprobs: [] },
  { type: 'response.output_text.done', ...part, text: '{"a":1}', logprobs: [] },
  { type: 'response.content_part.done', ...part, part: message?.content[0] },
  { type: 'response.output_item.done', output_index: 0, item: message },
  { type: 'response.completed', response: finishedResponse },
].map((event, index) => ({ ...event, sequence_number: index }))

export const embeddingList = {
  object: 'list',
  model: 'text-embedding-3-small',
  data: [{ object: 'embedding', index: 0, embedding: [1, 2] }],
  usage: { prompt_tokens: 8, total_tokens: 8 },
}

/** A chat request. */
export const chatRequest = {
  model: 'gpt-5.4',
  messages: [{ role: 'user' as const, content: 'Say something short, please.' }],
}
