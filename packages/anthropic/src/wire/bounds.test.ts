import type { WireContext, WireOperation } from '@token-meter/core/wire'
import { expect, test } from 'vitest'
import { batchBounds } from './bounds.ts'
import { anthropicWire } from './protocol.ts'

const context = { baseUrl: 'https://h', provider: 'anthropic' } as WireContext

function boundsOf(path: string, body: Record<string, unknown>) {
  const request = { method: 'POST', url: `https://h${path}`, headers: undefined, body }
  const { endpoint } = anthropicWire.open(request, context) as WireOperation
  return endpoint.bounds?.(body, { provider: 'anthropic', endpoint: '', method: 'POST', body })
}

const messages = [{ role: 'user', content: 'Hi' }]
const message = (fields: object) =>
  boundsOf('/v1/messages', { model: 'm', max_tokens: 100, messages, ...fields })

test('a message has its text and its cap', () => {
  expect(message({})).toEqual({
    // 256, model 5 + 6 + 1, max_tokens 10 + 6 + 24, messages 8 + 6, one of them 6, role 14, content 15.
    inputBytes: 256 + 12 + 40 + 14 + 6 + 14 + 15,
    maxOutput: 100,
    answers: 1,
    beyond: [],
    cacheWrites: false,
    noOutput: false,
  })
})

test('thinking is under the cap, but where its budget is larger', () => {
  const thinking = (budget_tokens: number) => ({ thinking: { type: 'enabled', budget_tokens } })
  expect(message(thinking(50))?.maxOutput).toBe(100)
  expect(message(thinking(1000))?.maxOutput).toBe(1100)
})

test.each([
  [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, ['server_tool']],
  [{ tools: [{ type: 'computer_20250124', name: 'computer' }] }, ['server_tool']],
  [{ tools: [{ name: 'f', input_schema: { type: 'object' } }] }, []],
  [{ container: 'container_1' }, ['server_tool']],
  [{ context_management: { edits: [{ type: 'compact_20260112' }] } }, ['server_tool']],
  [{ context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }, []],
  [{ fallbacks: [{ model: 'other' }] }, ['unknown']],
])('%j: what it has beyond its body', (fields, beyond) => {
  expect(message(fields)?.beyond).toEqual(beyond)
})

test('caching that is asked for is told', () => {
  expect(message({ cache_control: { type: 'ephemeral' } })?.cacheWrites).toBe(true)
})

test('a completion has its cap', () => {
  const body = { model: 'm', prompt: 'Hi', max_tokens_to_sample: 9 }
  expect(boundsOf('/v1/complete', body)).toMatchObject({ maxOutput: 9, beyond: [] })
})

test('a batch is the sum of its requests, for a day', () => {
  const request = (max_tokens: number) => ({
    custom_id: 'a',
    params: { model: 'm', max_tokens, messages },
  })
  const one = message({})?.inputBytes ?? 0
  expect(batchBounds({ requests: [request(100), request(50)] })).toMatchObject({
    inputBytes: 2 * one,
    maxOutput: 75,
    answers: 2,
    beyond: [],
    jobForMs: 86_400_000,
  })
})
