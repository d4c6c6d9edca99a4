import type { ReplayEvent } from '@token-meter/testkit'

/** 10 input tokens, 1,000 read from the cache, 100 written to it, 50 output of which 20 thinking. */
export const usage = {
  input_tokens: 10,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 1000,
  cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
  output_tokens: 50,
  output_tokens_details: { thinking_tokens: 20 },
  server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
  service_tier: 'standard',
  speed: 'fast',
  inference_geo: 'us',
}

/** What `usage` comes out as. */
export const countedTokens = { input: 10, cachedInput: 1000, cachedWrite: 100, output: 50 }
export const countedDetails = {
  cachedWrite5m: 60,
  cachedWrite1h: 40,
  reasoning: 20,
  webSearchRequests: 2,
  webFetchRequests: 1,
  speed: 'fast',
  inferenceGeo: 'us',
}

export const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-20260203',
  content: [{ type: 'text', text: '{"a":1}' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage,
}

export const toolUseMessage = {
  ...message,
  content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }],
  stop_reason: 'tool_use',
}

const textDelta = (text: string): ReplayEvent => ({
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text },
})

/** The events of a streamed message, around the given events of its content. */
export function scriptOf(
  content: readonly ReplayEvent[],
  stopReason = 'end_turn',
): readonly ReplayEvent[] {
  const { output_tokens, output_tokens_details, server_tool_use, ...started } = usage
  return [
    {
      type: 'message_start',
      message: {
        ...message,
        content: [],
        stop_reason: null,
        usage: { ...started, output_tokens: 1 },
      },
    },
    ...content,
    {
      type: 'message_delta',
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: null,
        cache_read_input_tokens: null,
        output_tokens,
        output_tokens_details,
        server_tool_use,
      },
    },
    { type: 'message_stop' },
  ]
}

/** A streamed message as Anthropic sends it: 8 events. */
export const messageScript: readonly ReplayEvent[] = scriptOf([
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  textDelta('{"a"'),
  textDelta(':'),
  textDelta('1}'),
  { type: 'content_block_stop', index: 0 },
])

/** A streamed message that asks for the tool `weather`. */
export const toolUseScript: readonly ReplayEvent[] = scriptOf(
  [
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} },
    },
    {
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'input_json_delta', partial_json: '{}' },
    },
    { type: 'content_block_stop', index: 0 },
  ],
  'tool_use',
)

/** A request for a message. */
export const request = {
  model: 'claude-sonnet-5',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Say something short, please.' }],
}

export const streamed = { ...request, stream: true } as const

/** A tool that the SDK's tool runner can run. */
export const weatherTool = {
  name: 'weather',
  description: 'd',
  input_schema: { type: 'object' as const, properties: {} },
  run: async () => 'sunny',
  parse: (input: unknown) => input as object,
}
