import { ask, claude, type MakerStream, metrics, tokens } from './maker-shapes.ts'

const chatChunk = (delta: object, more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'openai.gpt-oss-20b-1:0',
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
})

export const makerStreams: readonly MakerStream[] = [
  {
    maker: 'Anthropic',
    modelId: claude,
    request: { anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, ...ask },
    chunks: [
      {
        type: 'message_start',
        message: {
          id: 'msg_bdrk_1',
          type: 'message',
          model: 'claude-sonnet-4-5-20250929',
          content: [],
          usage: {
            input_tokens: 7,
            cache_creation_input_tokens: 2238,
            cache_read_input_tokens: 14_486,
            output_tokens: 1,
          },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 126 } },
      {
        type: 'message_stop',
        ...metrics(7, 126, { cacheReadInputTokenCount: 14_486, cacheWriteInputTokenCount: 2238 }),
      },
    ],
    recorded: {
      ...tokens(7, 126, { cachedInput: 14_486, cachedWrite: 2238 }),
      model: claude,
      responseId: 'msg_bdrk_1',
    },
  },
  {
    maker: 'Amazon Nova',
    modelId: 'us.amazon.nova-micro-v1:0',
    request: { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] },
    chunks: [
      { messageStart: { role: 'assistant' } },
      { contentBlockDelta: { delta: { text: 'Hello' }, contentBlockIndex: 0 } },
      { contentBlockStop: { contentBlockIndex: 0 } },
      { messageStop: { stopReason: 'end_turn' } },
      {
        metadata: {
          usage: {
            inputTokens: 4,
            outputTokens: 38,
            cacheReadInputTokenCount: 12,
            cacheWriteInputTokenCount: 0,
          },
          metrics: {},
          trace: {},
        },
        ...metrics(4, 38, { cacheReadInputTokenCount: 12, cacheWriteInputTokenCount: 0 }),
      },
    ],
    recorded: tokens(4, 38, { cachedInput: 12 }),
  },
  {
    maker: 'Amazon Titan text',
    modelId: 'amazon.titan-text-lite-v1',
    request: { inputText: 'Hi' },
    chunks: [
      { outputText: 'Hel', index: 0, totalOutputTextTokenCount: null, inputTextTokenCount: 5 },
      {
        outputText: 'lo',
        index: 0,
        totalOutputTextTokenCount: 31,
        completionReason: 'FINISH',
        inputTextTokenCount: 5,
        ...metrics(5, 31),
      },
    ],
    recorded: tokens(5, 31),
  },
  {
    maker: 'Meta Llama',
    modelId: 'us.meta.llama3-3-70b-instruct-v1:0',
    request: { prompt: 'Hi' },
    chunks: [
      { generation: 'Hel', prompt_token_count: 14, generation_token_count: 1, stop_reason: null },
      { generation: 'lo', prompt_token_count: null, generation_token_count: 2, stop_reason: null },
      {
        generation: '',
        prompt_token_count: null,
        generation_token_count: 3,
        stop_reason: 'stop',
        ...metrics(14, 3),
      },
    ],
    recorded: tokens(14, 3),
  },
  {
    maker: 'Mistral, text completion, by AWS alone',
    modelId: 'mistral.mixtral-8x7b-instruct-v0:1',
    request: { prompt: 'Hi' },
    chunks: [
      { outputs: [{ text: 'Hel', stop_reason: null }] },
      { outputs: [{ text: 'lo', stop_reason: 'stop' }], ...metrics(9, 2) },
    ],
    recorded: tokens(9, 2),
  },
  {
    maker: 'Cohere Command R',
    modelId: 'cohere.command-r-v1:0',
    request: { message: 'Hi' },
    chunks: [
      { is_finished: false, event_type: 'stream-start', generation_id: 'g1' },
      { is_finished: false, event_type: 'text-generation', text: 'Hello' },
      {
        is_finished: true,
        event_type: 'stream-end',
        finish_reason: 'COMPLETE',
        response: {
          response_id: 'r1',
          meta: { billed_units: { input_tokens: 2, output_tokens: 5 } },
        },
        ...metrics(68, 5),
      },
    ],
    recorded: tokens(2, 5),
  },
  {
    maker: 'DeepSeek R1, by AWS alone',
    modelId: 'us.deepseek.r1-v1:0',
    request: { prompt: 'Hi' },
    chunks: [
      { choices: [{ text: 'Hel', stop_reason: null }] },
      { choices: [{ text: 'lo', stop_reason: 'stop' }], ...metrics(9, 100) },
    ],
    recorded: tokens(9, 100),
  },
  {
    maker: 'OpenAI gpt-oss',
    modelId: 'openai.gpt-oss-20b-1:0',
    request: ask,
    chunks: [
      chatChunk({ role: 'assistant', content: 'Hello' }),
      {
        ...chatChunk({}, { finish_reason: 'stop' }),
        usage: { prompt_tokens: 70, completion_tokens: 30, total_tokens: 100 },
      },
      { ...chatChunk({}), choices: [], ...metrics(70, 30) },
    ],
    recorded: { ...tokens(70, 30), responseId: 'chatcmpl-1' },
  },
  {
    maker: 'a maker that nobody here knows, by AWS alone',
    modelId: 'newmaker.model-v1',
    request: { question: 'Hi' },
    chunks: [{ reply: 'Hel' }, { reply: 'lo', ...metrics(6, 2, { cacheReadInputTokenCount: 50 }) }],
    recorded: tokens(6, 2, { cachedInput: 50 }),
  },
]
