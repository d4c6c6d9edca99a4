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

export const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
export const header = (name: string) => `x-amzn-bedrock-${name}-token-count`
export const headersOf = (input: number, output?: number) => ({
  [header('input')]: String(input),
  ...(output !== undefined && { [header('output')]: String(output) }),
})
export const metrics = (input: number, output: number, more: object = {}) => ({
  'amazon-bedrock-invocationMetrics': {
    inputTokenCount: input,
    outputTokenCount: output,
    invocationLatency: 600,
    firstByteLatency: 200,
    ...more,
  },
})
export const tokens = (input: number, output: number, more: object = {}) => ({
  tokens: { ...none, input, output, ...more },
  outcome: 'complete' as const,
})
export const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
export const chat = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
}
export const ask = { messages: [{ role: 'user', content: 'Hi' }] }
