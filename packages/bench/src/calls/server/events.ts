import type { SdkName } from '../sdk/sdk.ts'

/** A count that occurs nowhere else: where telemetry has it, the usage was seen. */
export const outputTokens = 43_219

/** The wire forms of the three providers. */
export type Api = 'openai' | 'anthropic' | 'google'

export const apiOf: Readonly<Record<SdkName, Api>> = {
  openai6: 'openai',
  openai7: 'openai',
  anthropic: 'anthropic',
  genai: 'google',
}

/** The events of a streamed response, as JSON, with `count` pieces of text among them. */
export function streamEvents(api: Api, count: number, includeUsage = true): string[] {
  const pieces = Array.from({ length: count }, (_, index) => `word${index % 1000} `)
  switch (api) {
    case 'openai':
      return openaiEvents(pieces, includeUsage)
    case 'anthropic':
      return anthropicEvents(pieces)
    case 'google':
      return googleEvents(pieces)
  }
}

/** A whole response, as JSON. */
export function wholeResponse(api: Api): string {
  const content = 'Once upon a time there was a token that nobody had counted. '.repeat(4)
  if (api === 'openai') {
    const message = { role: 'assistant', content, refusal: null, annotations: [] }
    return JSON.stringify({
      ...openaiHead,
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
      usage: openaiUsage,
    })
  }
  if (api === 'anthropic') {
    return JSON.stringify({
      ...anthropicMessage,
      content: [{ type: 'text', text: content }],
      stop_reason: 'end_turn',
      usage: { ...anthropicUsage, output_tokens: outputTokens },
    })
  }
  return JSON.stringify(googleChunk(content, true))
}

const openaiHead = {
  id: 'chatcmpl-BenchAbCdEfGhIjKlMnOpQrStUv',
  created: 1_790_000_000,
  model: 'gpt-4o-2024-08-06',
  service_tier: 'default',
  system_fingerprint: 'fp_b36b1f21ab',
}

const openaiUsage = {
  prompt_tokens: 12,
  completion_tokens: outputTokens,
  total_tokens: outputTokens + 12,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
}

function openaiEvents(pieces: readonly string[], includeUsage: boolean): string[] {
  const event = (delta: object, reason: string | null): string =>
    JSON.stringify({
      ...openaiHead,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
      ...(includeUsage && { usage: null }),
    })
  const usage = {
    ...openaiHead,
    object: 'chat.completion.chunk',
    choices: [],
    usage: openaiUsage,
  }
  return [
    event({ role: 'assistant', content: '', refusal: null }, null),
    ...pieces.map((content) => event({ content }, null)),
    event({}, 'stop'),
    ...(includeUsage ? [JSON.stringify(usage)] : []),
  ]
}

const anthropicUsage = {
  input_tokens: 12,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  service_tier: 'standard',
}

const anthropicMessage = {
  id: 'msg_01BenchAbCdEfGhIjKlMnOp',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-5',
  stop_sequence: null,
}

function anthropicEvents(pieces: readonly string[]): string[] {
  const message = {
    ...anthropicMessage,
    content: [],
    stop_reason: null,
    usage: { ...anthropicUsage, output_tokens: 1 },
  }
  return [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...pieces.map((text) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: outputTokens },
    },
    { type: 'message_stop' },
  ].map((event) => JSON.stringify(event))
}

function googleEvents(pieces: readonly string[]): string[] {
  return pieces.map((text, index) => JSON.stringify(googleChunk(text, index === pieces.length - 1)))
}

function googleChunk(text: string, isLast: boolean): object {
  return {
    candidates: [
      {
        content: { parts: [{ text }], role: 'model' },
        ...(isLast && { finishReason: 'STOP' }),
        index: 0,
      },
    ],
    usageMetadata: {
      promptTokenCount: 12,
      totalTokenCount: isLast ? outputTokens + 12 : 12,
      ...(isLast && { candidatesTokenCount: outputTokens }),
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: 12 }],
    },
    modelVersion: 'gemini-2.5-flash',
    responseId: 'BenchAbCdEfGhIjKlMnOp',
  }
}
