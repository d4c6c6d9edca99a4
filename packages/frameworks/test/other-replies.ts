/** What Anthropic and Google answer, with counts. */

interface ClaudeCounts {
  readonly input: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
  readonly output: number
}

/** A message of Claude's: https://docs.claude.com/en/api/messages */
export function message(text: string, counts: ClaudeCounts) {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5-20260203',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: counts.input,
      cache_creation_input_tokens: counts.cacheWrite ?? 0,
      cache_read_input_tokens: counts.cacheRead ?? 0,
      output_tokens: counts.output,
      service_tier: 'standard',
    },
  }
}

/** The same as the events of a stream. */
export function messageEvents(text: string, counts: ClaudeCounts) {
  const whole = message(text, counts)
  const begun = {
    ...whole,
    content: [],
    stop_reason: null,
    usage: { ...whole.usage, output_tokens: 1 },
  }
  return [
    { type: 'message_start', message: begun },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...text.split(/(?= )/).map((part) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: part },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: counts.output },
    },
    { type: 'message_stop' },
  ]
}

interface GeminiCounts {
  readonly prompt: number
  readonly cached?: number
  readonly candidates: number
  readonly thoughts: number
}

/** Content of Gemini's: https://ai.google.dev/api/generate-content */
export function content(text: string, counts: GeminiCounts) {
  const { prompt, cached, candidates, thoughts } = counts
  return {
    candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: {
      promptTokenCount: prompt,
      ...(cached !== undefined && { cachedContentTokenCount: cached }),
      candidatesTokenCount: candidates,
      thoughtsTokenCount: thoughts,
      totalTokenCount: prompt + candidates + thoughts,
    },
    modelVersion: 'gemini-2.5-flash',
    responseId: 'resp-1',
  }
}
