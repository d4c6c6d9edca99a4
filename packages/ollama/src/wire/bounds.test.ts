import type { WireContext, WireOperation } from '@token-meter/core/wire'
import { expect, test } from 'vitest'
import { ollamaWire } from './protocol.ts'

function boundsOf(path: string, body: Record<string, unknown>) {
  const request = { method: 'POST', url: `https://h/${path}`, headers: undefined, body }
  const { endpoint } = ollamaWire.open(request, {} as WireContext) as WireOperation
  return endpoint.bounds?.(body, { provider: 'ollama', endpoint: '', method: 'POST', body })
}

const messages = [{ role: 'user', content: 'Hi' }]
const capped = (num_predict: number) => ({ model: 'm', messages, options: { num_predict } })

test.each([
  ['api/chat', capped(9), { maxOutput: 9, beyond: [], answers: 1 }],
  // Without an end, and as far as the context goes.
  ['api/chat', capped(-1), { maxOutput: undefined }],
  ['api/chat', capped(-2), { maxOutput: undefined }],
  [
    'api/chat',
    { model: 'm', messages: [{ content: 'x', images: ['AAAA'] }] },
    { beyond: ['media'] },
  ],
  ['api/generate', { model: 'm', prompt: 'Hi', options: {} }, { maxOutput: undefined, beyond: [] }],
  ['api/embed', { model: 'm', input: ['a'] }, { noOutput: true, beyond: [] }],
  ['api/embeddings', { model: 'm', prompt: 'a' }, { noOutput: true, beyond: [] }],
])('%s %j', (path, body, expected) => {
  expect(boundsOf(path, body)).toMatchObject(expected)
})

test('what was said before comes as tokens', () => {
  const generate = (context: number[]) =>
    boundsOf('api/generate', { model: 'm', prompt: 'Hi', context })?.inputBytes ?? 0
  expect(generate([1, 2, 3, 4]) - generate([1])).toBe(3)
})
