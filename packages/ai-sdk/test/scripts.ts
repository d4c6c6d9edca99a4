import type { ReplayEvent } from '@token-meter/testkit'

/** 11 input tokens of which 4 are cached, 7 output tokens of which 2 are reasoning. */
export const chatUsage = {
  prompt_tokens: 11,
  completion_tokens: 7,
  total_tokens: 18,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
}

/** What `chatUsage` comes out as. */
export const countedTokens = { input: 7, cachedInput: 4, cachedWrite: 0, output: 7 }

const chunk = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-5.4-2026-03-05',
}
const delta = (content: string, finish_reason: string | null = null): ReplayEvent => ({
  ...chunk,
  choices: [{ index: 0, delta: { content }, finish_reason }],
})

/** A streamed chat completion as OpenAI sends it. */
export const chatScript: readonly ReplayEvent[] = [
  {
    ...chunk,
    choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
  },
  delta('{"a"'),
  delta(':'),
  delta('1}'),
  { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { ...chunk, choices: [], usage: chatUsage },
]

export const chatCompletion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5.4-2026-03-05',
  service_tier: 'priority',
  choices: [
    {
      index: 0,
      finish_reason: 'stop',
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
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } },
        ],
      },
    },
  ],
}

export const embeddingList = {
  object: 'list',
  model: 'text-embedding-3-small',
  data: [{ object: 'embedding', index: 0, embedding: [1, 2] }],
  usage: { prompt_tokens: 8, total_tokens: 8 },
}

/** 10 input tokens beside 100 written to the cache (60 for 5 minutes) and 1,000 read from it. */
export const messageUsage = {
  input_tokens: 10,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 1000,
  cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
  output_tokens: 50,
  service_tier: 'standard',
}

export const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-6',
  content: [{ type: 'text', text: 'hello' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: messageUsage,
}

export const messageTokens = { input: 10, cachedInput: 1000, cachedWrite: 100, output: 50 }

/** As Anthropic streams it: the last event says null for what the first one gave. */
export const messageScript: readonly ReplayEvent[] = [
  {
    type: 'message_start',
    message: { ...message, content: [], usage: { ...messageUsage, output_tokens: 1 } },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hel' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'lo' } },
  { type: 'content_block_stop', index: 0 },
  {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: {
      output_tokens: 50,
      input_tokens: null,
      cache_creation_input_tokens: null,
      cache_read_input_tokens: null,
    },
  },
  { type: 'message_stop' },
]

/** A model call's own options. */
export const callOptions = {
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'Say something short, please.' }] }],
} as never
