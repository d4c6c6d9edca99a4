import type { UsageRecord } from '../src/index.ts'

/** One maker's answer of InvokeModel as AWS documents it, and what it is to be recorded as. */
export interface MakerAnswer {
  readonly maker: string
  readonly modelId: string
  readonly request: object
  readonly answer: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly recorded: Partial<UsageRecord>
}

/** The same, streamed: the JSON of each chunk. */
export interface MakerStream extends Omit<MakerAnswer, 'answer' | 'headers'> {
  readonly chunks: readonly object[]
}

const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
const header = (name: string) => `x-amzn-bedrock-${name}-token-count`
const headersOf = (input: number, output?: number) => ({
  [header('input')]: String(input),
  ...(output !== undefined && { [header('output')]: String(output) }),
})
const metrics = (input: number, output: number, more: object = {}) => ({
  'amazon-bedrock-invocationMetrics': {
    inputTokenCount: input,
    outputTokenCount: output,
    invocationLatency: 600,
    firstByteLatency: 200,
    ...more,
  },
})
const tokens = (input: number, output: number, more: object = {}) => ({
  tokens: { ...none, input, output, ...more },
  outcome: 'complete' as const,
})
const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const chat = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
}
const ask = { messages: [{ role: 'user', content: 'Hi' }] }

export const makerAnswers: readonly MakerAnswer[] = [
  {
    maker: 'Anthropic, with a cache',
    modelId: claude,
    request: { anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, ...ask },
    answer: {
      id: 'msg_bdrk_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-5-20250929',
      content: [{ type: 'text', text: 'Hello' }],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: 3,
        cache_creation_input_tokens: 300,
        cache_read_input_tokens: 2000,
        cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
        output_tokens: 30,
      },
    },
    // Headers that count less than the body were seen: the body is what is billed.
    headers: headersOf(3, 14),
    recorded: {
      ...tokens(3, 30, { cachedInput: 2000, cachedWrite: 300 }),
      model: claude,
      responseId: 'msg_bdrk_1',
      details: { cachedWrite5m: 100, cachedWrite1h: 200 },
    },
  },
  {
    maker: 'Anthropic, by a profile of the application',
    modelId: 'arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/p1',
    request: ask,
    answer: {
      id: 'msg_bdrk_2',
      type: 'message',
      model: 'claude-haiku-4-5-20251001',
      content: [{ type: 'text', text: 'Hello' }],
      usage: { input_tokens: 8, output_tokens: 2 },
    },
    recorded: { ...tokens(8, 2), model: 'claude-haiku-4-5-20251001' },
  },
  {
    maker: 'Anthropic, text completion, which says nothing itself',
    modelId: 'anthropic.claude-v2:1',
    request: { prompt: '\n\nHuman: Hi\n\nAssistant:' },
    answer: { type: 'completion', completion: ' Hello', stop_reason: 'stop_sequence' },
    headers: headersOf(10, 4),
    recorded: tokens(10, 4),
  },
  {
    maker: 'Amazon Nova',
    modelId: 'us.amazon.nova-lite-v1:0',
    request: { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] },
    answer: {
      output: { message: { content: [{ text: 'Hello' }], role: 'assistant' } },
      stopReason: 'end_turn',
      usage: {
        inputTokens: 26,
        outputTokens: 9,
        totalTokens: 35,
        cacheReadInputTokenCount: 500,
        cacheWriteInputTokenCount: 0,
      },
    },
    headers: headersOf(26, 9),
    recorded: tokens(26, 9, { cachedInput: 500 }),
  },
  {
    maker: 'Amazon Titan text, several answers',
    modelId: 'amazon.titan-text-express-v1',
    request: { inputText: 'Hi' },
    answer: {
      inputTextTokenCount: 5,
      results: [
        { tokenCount: 20, outputText: 'Hello', completionReason: 'FINISH' },
        { tokenCount: 11, outputText: 'Hey', completionReason: 'FINISH' },
      ],
    },
    recorded: { ...tokens(5, 31), raw: { inputTextTokenCount: 5, tokenCount: 31 } },
  },
  {
    maker: 'Amazon Titan embeddings',
    modelId: 'amazon.titan-embed-text-v2:0',
    request: { inputText: 'Hi' },
    answer: { embedding: [0.1, 0.2], inputTextTokenCount: 6, embeddingsByType: { float: [0.1] } },
    headers: headersOf(6),
    recorded: tokens(6, 0),
  },
  {
    maker: 'Amazon Titan images',
    modelId: 'amazon.titan-image-generator-v2:0',
    request: { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' } },
    answer: { images: ['aGVsbG8=', 'aGVsbG8='], error: null },
    recorded: { ...tokens(0, 0), details: { images: 2 } },
  },
  {
    maker: 'Stability images',
    modelId: 'stability.sd3-5-large-v1:0',
    request: { prompt: 'a cat' },
    answer: { seeds: [7], finish_reasons: [null], images: ['aGVsbG8='] },
    recorded: { ...tokens(0, 0), details: { images: 1 } },
  },
  {
    maker: 'Meta Llama',
    modelId: 'meta.llama3-1-70b-instruct-v1:0',
    request: { prompt: 'Hi' },
    answer: {
      generation: 'Hello',
      prompt_token_count: 14,
      generation_token_count: 30,
      stop_reason: 'stop',
    },
    headers: headersOf(14, 30),
    recorded: {
      ...tokens(14, 30),
      raw: { prompt_token_count: 14, generation_token_count: 30 },
    },
  },
  {
    maker: 'Mistral, text completion, which says nothing itself',
    modelId: 'mistral.mistral-7b-instruct-v0:2',
    request: { prompt: '<s>[INST] Hi [/INST]' },
    answer: { outputs: [{ text: 'Hello', stop_reason: 'stop' }] },
    headers: headersOf(11, 3),
    recorded: { ...tokens(11, 3), raw: { inputTokenCount: 11, outputTokenCount: 3 } },
  },
  {
    maker: 'Mistral, chat',
    modelId: 'mistral.pixtral-large-2502-v1:0',
    request: ask,
    answer: { ...chat, usage: { prompt_tokens: 21, completion_tokens: 4, total_tokens: 25 } },
    recorded: { ...tokens(21, 4), responseId: 'chatcmpl-1' },
  },
  {
    maker: 'Cohere Command R, by what is billed',
    modelId: 'cohere.command-r-plus-v1:0',
    request: { message: 'Hi' },
    answer: {
      response_id: 'r1',
      generation_id: 'g1',
      text: 'Hello',
      finish_reason: 'COMPLETE',
      meta: {
        billed_units: { input_tokens: 2, output_tokens: 5 },
        tokens: { input_tokens: 68, output_tokens: 5 },
      },
    },
    recorded: { ...tokens(2, 5), responseId: 'r1' },
  },
  {
    maker: 'Cohere Command, which says nothing itself',
    modelId: 'cohere.command-text-v14',
    request: { prompt: 'Hi' },
    answer: { id: 'c1', generations: [{ id: 'g', text: 'Hello', finish_reason: 'COMPLETE' }] },
    headers: headersOf(3, 2),
    recorded: tokens(3, 2),
  },
  {
    maker: 'Cohere Embed',
    modelId: 'cohere.embed-english-v3',
    request: { texts: ['Hi', 'there'], input_type: 'search_document' },
    answer: { id: 'e1', embeddings: [[0.1], [0.2]], response_type: 'embeddings_floats', texts: [] },
    headers: headersOf(4),
    recorded: { ...tokens(4, 0), responseId: 'e1' },
  },
  {
    maker: 'Cohere Rerank, 101 documents',
    modelId: 'cohere.rerank-v3-5:0',
    request: { query: 'Hi', documents: Array.from({ length: 101 }, () => 'text'), api_version: 2 },
    answer: { results: [{ index: 2, relevance_score: 0.9 }] },
    recorded: { ...tokens(0, 0), details: { searchUnits: 2 } },
  },
  {
    maker: 'AI21 Jamba',
    modelId: 'ai21.jamba-1-5-large-v1:0',
    request: ask,
    answer: { ...chat, usage: { prompt_tokens: 12, completion_tokens: 8, total_tokens: 20 } },
    recorded: tokens(12, 8),
  },
  {
    maker: 'AI21 Jurassic, which lists its tokens',
    modelId: 'ai21.j2-mid-v1',
    request: { prompt: 'Hi' },
    answer: {
      id: 1234,
      prompt: { text: 'Hi', tokens: [{}, {}, {}] },
      completions: [
        { data: { text: 'Hello', tokens: [{}, {}] }, finishReason: { reason: 'endoftext' } },
      ],
    },
    recorded: tokens(3, 2),
  },
  {
    maker: 'DeepSeek R1, which says nothing itself',
    modelId: 'us.deepseek.r1-v1:0',
    request: { prompt: 'Hi' },
    answer: { choices: [{ text: '<think></think>Hello', stop_reason: 'stop' }] },
    headers: headersOf(9, 100),
    recorded: tokens(9, 100),
  },
  {
    maker: 'OpenAI gpt-oss, with a tier',
    modelId: 'openai.gpt-oss-120b-1:0',
    request: ask,
    answer: {
      ...chat,
      model: 'openai.gpt-oss-120b-1:0',
      usage: { prompt_tokens: 70, completion_tokens: 30, total_tokens: 100 },
    },
    headers: { 'x-amzn-bedrock-service-tier': 'priority' },
    recorded: { ...tokens(70, 30), serviceTier: 'priority', model: 'openai.gpt-oss-120b-1:0' },
  },
  {
    maker: 'Qwen, with a cache inside its prompt',
    modelId: 'qwen.qwen3-32b-v1:0',
    request: ask,
    answer: {
      ...chat,
      usage: {
        prompt_tokens: 70,
        completion_tokens: 30,
        total_tokens: 100,
        prompt_tokens_details: { cached_tokens: 50 },
      },
    },
    recorded: tokens(20, 30, { cachedInput: 50 }),
  },
  {
    maker: 'a maker that nobody here knows, counted by AWS',
    modelId: 'newmaker.model-v1',
    request: { question: 'Hi' },
    answer: { reply: 'Hello' },
    headers: {
      ...headersOf(4, 2),
      [header('cache-read-input')]: '90',
      [header('cache-write-input')]: '10',
    },
    recorded: tokens(4, 2, { cachedInput: 90, cachedWrite: 10 }),
  },
  {
    maker: 'an answer that is no JSON, counted by AWS',
    modelId: 'newmaker.model-v2',
    request: { question: 'Hi' },
    answer: new TextEncoder().encode('Hello'),
    headers: headersOf(4, 2),
    recorded: tokens(4, 2),
  },
]

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
