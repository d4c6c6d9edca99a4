import type { WireContext, WireOperation } from '@token-meter/core/wire'
import { expect, test } from 'vitest'
import { cohereWire } from './protocol.ts'

const context = { provider: 'cohere', jobs: () => ({}) } as unknown as WireContext

function boundsOf(path: string, body: Record<string, unknown>) {
  const request = { method: 'POST', url: `https://h/${path}`, headers: undefined, body }
  const { endpoint } = cohereWire.open(request, context) as WireOperation
  return endpoint.bounds?.(body, { provider: 'cohere', endpoint: '', method: 'POST', body })
}

const messages = [{ role: 'user', content: 'Hi' }]

test.each([
  ['v2/chat', { model: 'm', messages, max_tokens: 9 }, { maxOutput: 9, beyond: [] }],
  ['v2/chat', { messages, documents: [{ data: { url: 'https://a.b' } }] }, { beyond: [] }],
  ['v1/chat', { message: 'Hi', conversation_id: 'c' }, { beyond: ['history'] }],
  ['v1/chat', { message: 'Hi', connectors: [{ id: 'web-search' }] }, { beyond: ['server_tool'] }],
  [
    'v1/generate',
    { prompt: 'Hi', num_generations: 3, max_tokens: 2 },
    { answers: 3, maxOutput: 2 },
  ],
  ['v1/summarize', { text: 'Hi' }, { maxOutput: undefined, beyond: [] }],
  ['v2/embed', { texts: ['a', 'b'] }, { noOutput: true, beyond: [] }],
  ['v2/embed', { images: ['data:image/png;base64,AA'] }, { noOutput: true, beyond: ['media'] }],
  ['v2/rerank', { query: 'q', documents: ['d'] }, { noOutput: true, beyond: ['unknown'] }],
  [
    'v1/embed-jobs',
    { dataset_id: 'd' },
    { noOutput: true, beyond: ['file'], jobForMs: 86_400_000 },
  ],
  [
    'v2/batches',
    { input_dataset_id: 'd' },
    { noOutput: false, beyond: ['file'], jobForMs: 86_400_000 },
  ],
])('%s %j', (path, body, expected) => {
  expect(boundsOf(path, body)).toMatchObject(expected)
})
