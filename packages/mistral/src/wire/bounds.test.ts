import type { WireContext, WireOperation } from '@token-meter/core/wire'
import { expect, test } from 'vitest'
import { mistralWire } from './protocol.ts'

const context = { provider: 'mistral', jobs: () => ({}), warn: () => {} } as unknown as WireContext

function boundsOf(path: string, body: Record<string, unknown>) {
  const request = { method: 'POST', url: `https://h/v1/${path}`, headers: undefined, body }
  const { endpoint } = mistralWire.open(request, context) as WireOperation
  return endpoint.bounds?.(body, { provider: 'mistral', endpoint: '', method: 'POST', body })
}

const messages = [{ role: 'user', content: 'Hi' }]

test.each([
  [
    'chat/completions',
    { model: 'm', messages, max_tokens: 9, n: 2 },
    { maxOutput: 9, answers: 2, beyond: [] },
  ],
  ['agents/completions', { agent_id: 'a', messages }, { beyond: ['prompt'] }],
  [
    'fim/completions',
    { model: 'm', prompt: 'a', suffix: 'b', max_tokens: 5 },
    { maxOutput: 5, beyond: [] },
  ],
  [
    'conversations',
    { inputs: 'Hi', completion_args: { max_tokens: 4 } },
    { maxOutput: 4, beyond: [] },
  ],
  ['conversations', { inputs: 'Hi', agent_id: 'a' }, { beyond: ['prompt'] }],
  ['conversations/conv_1', { inputs: 'Hi' }, { beyond: ['history'] }],
  ['conversations', { inputs: 'Hi', tools: [{ type: 'web_search' }] }, { beyond: ['server_tool'] }],
  ['embeddings', { model: 'm', input: ['a'] }, { noOutput: true, beyond: [] }],
  ['moderations', { model: 'm', input: 'a' }, { noOutput: true, beyond: [] }],
  ['ocr', { document: { document_url: 'https://a.b/c.pdf' } }, { beyond: ['media', 'url'] }],
  ['audio/speech', { input: 'x' }, { beyond: ['media'] }],
  [
    'audio/transcriptions',
    { model: 'm', file_url: 'https://a.b/c.mp3' },
    { beyond: ['media', 'url'] },
  ],
])('%s %j', (path, body, expected) => {
  expect(boundsOf(path, body)).toMatchObject(expected)
})

test('a job is the sum of the requests in it, by the path that it names', () => {
  const request = (max_tokens: number) => ({ body: { messages, max_tokens } })
  const job = { model: 'm', endpoint: '/v1/chat/completions', timeout_hours: 2 }
  expect(boundsOf('batch/jobs', { ...job, requests: [request(10), request(20)] })).toMatchObject({
    maxOutput: 15,
    answers: 2,
    beyond: [],
    jobForMs: 7_200_000,
  })
  expect(boundsOf('batch/jobs', { ...job, input_files: ['f'] })?.beyond).toEqual(['file'])
})
