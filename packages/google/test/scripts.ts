import type { ReplayEvent } from '@token-meter/testkit'

/** 20 input tokens of which 4 are cached, 3 more of tool use; 5 output tokens and 6 of thoughts. */
export const contentUsage = {
  promptTokenCount: 20,
  cachedContentTokenCount: 4,
  toolUsePromptTokenCount: 3,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 6,
  totalTokenCount: 34,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 20 }],
}

/** What `contentUsage` and `interactionUsage` come out as. */
export const countedTokens = { input: 19, cachedInput: 4, cachedWrite: 0, output: 11 }

export const model = 'gemini-3-flash'
const common = { modelVersion: 'gemini-3-flash-001', responseId: 'r1' }
const part = (text: string, rest: object = {}) => ({
  content: { role: 'model', parts: [{ text }] },
  index: 0,
  ...rest,
})

export const contentAnswer = {
  candidates: [part('Hello there.', { finishReason: 'STOP' })],
  usageMetadata: contentUsage,
  ...common,
}

/** A streamed answer, whose chunks carry running totals. */
export const contentScript: readonly ReplayEvent[] = [
  {
    candidates: [part('Hello')],
    usageMetadata: { promptTokenCount: 20, cachedContentTokenCount: 4, totalTokenCount: 20 },
    ...common,
  },
  {
    candidates: [part(' there')],
    usageMetadata: {
      promptTokenCount: 20,
      cachedContentTokenCount: 4,
      candidatesTokenCount: 3,
      totalTokenCount: 23,
    },
    ...common,
  },
  { candidates: [part(' and')], ...common },
  {
    candidates: [part('.', { finishReason: 'STOP' })],
    usageMetadata: contentUsage,
    ...common,
  },
]

/** The model asks for the tool `weather`. */
export const toolCallAnswer = {
  candidates: [
    {
      content: { role: 'model', parts: [{ functionCall: { name: 'weather', args: {} } }] },
      finishReason: 'STOP',
      index: 0,
    },
  ],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 2, totalTokenCount: 9 },
  ...common,
}

/** A tool that the SDK calls by itself. */
export const callableTool = {
  tool: async () => ({
    functionDeclarations: [{ name: 'weather', parameters: { type: 'OBJECT', properties: {} } }],
  }),
  callTool: async () => [{ functionResponse: { name: 'weather', response: { sky: 'clear' } } }],
} as never

export const interactionUsage = {
  total_input_tokens: 20,
  total_cached_tokens: 4,
  total_tool_use_tokens: 3,
  total_output_tokens: 5,
  total_thought_tokens: 6,
  total_tokens: 34,
}

let interactions = 0

/** A finished interaction; each has an id of its own, because it is billed once in a process. */
export function interaction(fields: ReplayEvent = {}): ReplayEvent & { readonly id: string } {
  return {
    id: `v1_${process.pid}_${interactions++}`,
    object: 'interaction',
    status: 'completed',
    model: 'gemini-2.5-flash',
    created: new Date().toISOString(),
    updated: new Date().toISOString(),
    steps: [{ type: 'model_output', content: [{ type: 'text', text: 'Hello' }] }],
    usage: interactionUsage,
    ...fields,
  }
}

/** A streamed interaction. */
export function interactionScript(finished: ReplayEvent): readonly ReplayEvent[] {
  const { id, model } = finished
  return [
    {
      event_type: 'interaction.created',
      interaction: { id, model, status: 'in_progress', object: 'interaction' },
    },
    { event_type: 'step.start', index: 0, step: { type: 'model_output' } },
    { event_type: 'step.delta', index: 0, delta: { type: 'text', text: 'Hello' } },
    { event_type: 'step.stop', index: 0 },
    { event_type: 'interaction.completed', interaction: finished },
  ]
}

/** A request. */
export const request = { model, contents: 'Say something short, please.' }
