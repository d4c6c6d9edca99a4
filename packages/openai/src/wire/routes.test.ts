import { describe, expect, test } from 'vitest'
import { routeOf } from './routes.ts'

const base = 'https://api.openai.com/v1'

describe('routeOf', () => {
  test.each([
    ['post', '/chat/completions', 'chat.completions'],
    ['post', 'chat/completions', 'chat.completions'],
    ['post', '/chat/completions?beta=true', 'chat.completions'],
    ['post', 'https://api.openai.com/v1/chat/completions', 'chat.completions'],
    ['post', '/deployments/gpt/chat/completions', 'chat.completions'],
    ['post', '/openai/deployments/gpt/embeddings', 'embeddings'],
    ['post', '/completions', 'completions'],
    ['post', '/responses', 'responses'],
    ['post', '/embeddings', 'embeddings'],
    ['post', '/openai/v1/chat/completions', 'chat.completions'],
    ['post', '/v1/chat/completions', 'chat.completions'],
    ['post', 'v1/embeddings', 'embeddings'],
    ['post', '/api/v1/responses', 'responses'],
    ['post', '/v1beta/openai/chat/completions', 'chat.completions'],
    ['get', '/v1/responses/resp_1', 'response-again'],
    ['get', '/responses/resp_1', 'response-again'],
    ['get', '/responses/resp_1?stream=true', 'response-again'],
    ['post', '/responses/resp_1/cancel', 'response-again'],
  ])('%s %s is %s', (method, path, kind) => {
    expect(routeOf(method, path, base)?.kind).toBe(kind)
  })

  test.each([
    ['get', '/chat/completions'],
    ['get', '/chat/completions/chatcmpl_1'],
    ['post', '/chat/completions/chatcmpl_1'],
    ['delete', '/responses/resp_1'],
    ['get', '/responses/resp_1/input_items'],
    ['post', '/responses/input_tokens'],
    ['get', '/models'],
    ['post', '/constructor'],
    ['post', 'https://elsewhere.example/v1/moderations'],
    ['post', '/v1/chat/completions/chatcmpl_1'],
    ['post', '/v1'],
    ['post', '/vector_stores/chat/completions'],
    ['post', 'https://elsewhere.example/v1/chat/completions'],
    ['post', ''],
  ])('%s %s bills nothing', (method, path) => {
    expect(routeOf(method, path, base)).toBeUndefined()
  })

  test('an id in a path is decoded', () => {
    expect(routeOf('get', '/responses/resp%201', base)).toEqual({
      kind: 'response-again',
      responseId: 'resp 1',
    })
  })
})
