import type { WireContext, WireOperation } from '@token-meter/core/wire'
import { expect, test } from 'vitest'
import { liveBounds } from './bounds.ts'
import { googleWire } from './protocol.ts'

const jobs = {
  created: () => {},
  creatorOf: () => undefined,
  fieldsOf: () => undefined,
  isBilled: () => false,
  settle: () => true,
}
const context: WireContext = {
  baseUrl: undefined,
  provider: 'google',
  jobs: () => jobs,
  warn: () => {},
}

function boundsOf(path: string, body: Record<string, unknown>) {
  const url = `https://h/v1beta/${path}`
  const operation = googleWire.open({ method: 'POST', url, headers: undefined, body }, context)
  const { endpoint, body: fields } = operation as WireOperation
  const call = { provider: 'google', endpoint: endpoint.name, method: 'POST', body: fields }
  return endpoint.bounds?.(fields, call)
}

const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }]
const content = (fields: object) => boundsOf('models/m:generateContent', { contents, ...fields })
const dayMs = 86_400_000

test('an answer has its text, its cap with its thoughts, and its candidates', () => {
  expect(content({ generationConfig: { maxOutputTokens: 100, candidateCount: 2 } })).toEqual({
    // 256, model 12, contents 8 + 6, one of them 6, role 14, parts 5 + 6, one of them 6, text 4 + 6 + 2,
    // generationConfig 16 + 6, maxOutputTokens 15 + 6 + 24, candidateCount 14 + 6 + 24.
    inputBytes: 256 + 12 + 14 + 6 + 14 + 11 + 6 + 12 + 22 + 45 + 44,
    maxOutput: 100,
    answers: 2,
    beyond: [],
    cacheWrites: false,
    noOutput: false,
  })
  expect(content({ config: { maxOutputTokens: 9 } })?.maxOutput).toBe(9)
})

test.each([
  [{ tools: [{ googleSearch: {} }] }, ['server_tool']],
  [{ tools: [{ urlContext: {} }] }, ['server_tool']],
  [{ tools: [{ functionDeclarations: [{ name: 'f' }] }] }, []],
  [{ cachedContent: 'cachedContents/1' }, ['prompt']],
  [{ generationConfig: { responseModalities: ['TEXT', 'IMAGE'] } }, ['media']],
  [{ contents: [{ parts: [{ fileData: { fileUri: 'files/1' } }] }] }, ['file']],
  [{ contents: [{ parts: [{ inlineData: { data: 'AA', mimeType: 'image/png' } }] }] }, ['media']],
])('%j: what it has beyond its body', (fields, beyond) => {
  expect(content(fields)?.beyond).toEqual(beyond)
})

test('vectors have no output, pictures and videos no tokens', () => {
  const embed = { content: { parts: [{ text: 'Hi' }] } }
  expect(boundsOf('models/m:embedContent', embed)).toMatchObject({ noOutput: true, beyond: [] })
  const predict = { instances: [{ prompt: 'x' }], parameters: { sampleCount: 3 } }
  expect(boundsOf('models/m:predict', predict)).toMatchObject({ beyond: ['media'], answers: 3 })
  expect(boundsOf('models/m:predictLongRunning', predict)).toMatchObject({
    beyond: ['media'],
    jobForMs: 2 * dayMs,
  })
  expect(liveBounds({ model: 'm' }).beyond).toEqual(['media', 'history', 'unread'])
})

test('a batch is the sum of its requests, or of a file that nobody has read', () => {
  const request = { request: { contents, generationConfig: { maxOutputTokens: 40 } } }
  const inline = { batch: { inputConfig: { requests: { requests: [request, request] } } } }
  expect(boundsOf('models/m:batchGenerateContent', inline)).toMatchObject({
    maxOutput: 40,
    answers: 2,
    beyond: [],
    jobForMs: 2 * dayMs,
  })
  const file = { batch: { inputConfig: { fileName: 'files/1' } } }
  expect(boundsOf('models/m:batchGenerateContent', file)?.beyond).toEqual(['file'])
})

test('an interaction has its cap, what came before it, and goes on in the background', () => {
  const interaction = (fields: object) => boundsOf('interactions', { input: 'Hi', ...fields })
  expect(interaction({ model: 'm', generation_config: { max_output_tokens: 30 } })).toMatchObject({
    maxOutput: 30,
    beyond: [],
  })
  expect(interaction({ model: 'm', previous_interaction_id: 'i' })?.beyond).toEqual(['history'])
  expect(interaction({ agent: 'deep-research', background: true })).toMatchObject({
    beyond: ['server_tool'],
    jobForMs: dayMs,
  })
})
