import type { WireContext, WireOperation } from '@token-meter/core/wire'
import { expect, test } from 'vitest'
import { bedrockWire } from './protocol.ts'

function boundsOf(path: string, body: object) {
  const url = `https://h${path}`
  const request = { method: 'POST', url, headers: undefined, body: JSON.stringify(body) }
  const operation = bedrockWire.open(request, {} as WireContext) as WireOperation
  const { endpoint, body: fields } = operation
  return endpoint.bounds?.(fields, {
    provider: 'bedrock',
    endpoint: '',
    method: 'POST',
    body: fields,
  })
}

const messages = [{ role: 'user', content: [{ text: 'Hi' }] }]
const converse = (fields: object, model = 'm') =>
  boundsOf(`/model/${model}/converse`, { messages, ...fields })

test('a conversation has its text and its cap', () => {
  expect(converse({ inferenceConfig: { maxTokens: 100 } })).toEqual({
    // 256, model 12, messages 14, one of them 6, role 14, content 7 + 6, a block 6, text 12,
    // inferenceConfig 15 + 6, maxTokens 9 + 6 + 24.
    inputBytes: 256 + 12 + 14 + 6 + 14 + 13 + 6 + 12 + 21 + 39,
    maxOutput: 100,
    answers: 1,
    beyond: [],
    cacheWrites: false,
    noOutput: false,
  })
  const thinking = { thinking: { type: 'enabled', budget_tokens: 500 } }
  const fields = { inferenceConfig: { maxTokens: 100 }, additionalModelRequestFields: thinking }
  expect(converse(fields)?.maxOutput).toBe(600)
})

test('what it has beyond its body', () => {
  const stored = 'arn:aws:bedrock:us-east-1:1:prompt%2FABC'
  expect(converse({}, stored)?.beyond).toEqual(['prompt'])
  const content = [{ document: { name: 'x', source: { bytes: 'AAAA' } } }]
  expect(converse({ messages: [{ role: 'user', content }] })?.beyond).toEqual(['media'])
  const tools = [{ systemTool: { name: 'nova_grounding' } }]
  expect(converse({ toolConfig: { tools } })?.beyond).toEqual(['server_tool'])
  expect(converse({ system: [{ text: 'x' }, { cachePoint: {} }] })?.cacheWrites).toBe(true)
})

test.each([
  ['anthropic.claude', { max_tokens: 9, messages }, { maxOutput: 9 }],
  ['meta.llama3', { prompt: 'Hi', max_gen_len: 8 }, { maxOutput: 8 }],
  [
    'amazon.titan-text',
    { inputText: 'Hi', textGenerationConfig: { maxTokenCount: 7 } },
    { maxOutput: 7 },
  ],
  ['amazon.nova', { messages, inferenceConfig: { max_new_tokens: 6 } }, { maxOutput: 6 }],
  [
    'cohere.command',
    { prompt: 'Hi', max_tokens: 5, num_generations: 2 },
    { maxOutput: 5, answers: 2 },
  ],
  ['mistral.mistral', { prompt: 'Hi' }, { maxOutput: undefined }],
  ['amazon.titan-embed-text', { inputText: 'Hi' }, { noOutput: true, beyond: [] }],
  ['cohere.rerank', { query: 'q', documents: ['d'] }, { noOutput: true, beyond: ['unknown'] }],
  ['amazon.nova-canvas', { taskType: 'TEXT_IMAGE' }, { beyond: ['media'] }],
])('an invocation of %s', (model, body, expected) => {
  expect(boundsOf(`/model/${model}/invoke`, body)).toMatchObject(expected)
})

test('guardrails have no output, and no tokens; a session of speech goes on', () => {
  const apply = boundsOf('/guardrail/g/version/1/apply', { content: [{ text: { text: 'x' } }] })
  expect(apply).toMatchObject({ noOutput: true, beyond: ['unknown'] })
  const session = boundsOf('/model/m/invoke-with-bidirectional-stream', {})
  expect(session?.beyond).toEqual(['media', 'history', 'unread'])
})
