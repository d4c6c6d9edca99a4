import { describe, expect, test } from 'vitest'
import type { Dialect } from '../upstream.ts'
import { knownPath, type PathKind } from './known-paths.ts'

const rows: readonly (readonly [Dialect, string, string, PathKind])[] = [
  ['openai', 'POST', '/v1/chat/completions', 'inference'],
  ['openai', 'POST', '/v1/chat/completions/', 'inference'],
  ['openai', 'POST', '/chat/completions', 'inference'],
  ['openai', 'POST', '/openai/v1/responses', 'inference'],
  ['openai', 'POST', '/openai/deployments/gpt-5/embeddings', 'inference'],
  ['openai', 'POST', '/v1/responses/compact', 'inference'],
  ['openai', 'POST', '/v1/threads/thread_1/runs', 'inference'],
  ['openai', 'POST', '/v1/Chat/Completions', 'unknown'],
  ['openai', 'POST', '/v1/x/chat/completions', 'unknown'],
  ['openai', 'PUT', '/v1/chat/completions', 'unknown'],
  ['openai', 'GET', '/v1/models', 'free'],
  ['openai', 'HEAD', '/v1/models', 'free'],
  ['openai', 'GET', '/v1/models/meta-llama%2FLlama-3', 'free'],
  ['openai', 'DELETE', '/v1/models/ft-1', 'unknown'],
  ['openai', 'POST', '/v1/responses/input_tokens', 'free'],
  ['openai', 'GET', '/v1/responses/resp_1/input_items', 'free'],
  ['openai', 'GET', '/v1/files/file-1/content', 'free'],
  ['openai', 'GET', '/v1/chat/completions', 'forbidden'],
  ['openai', 'GET', '/v1/files', 'forbidden'],
  ['openai', 'GET', '/v1/organization', 'forbidden'],
  ['openai', 'DELETE', '/v1/organization/users/u', 'forbidden'],
  ['openai', 'POST', '/v1/realtime/client_secrets', 'forbidden'],
  ['openai', 'POST', '/v1/realtime/calls', 'forbidden'],
  ['openai', 'POST', '/v1/chatkit/sessions', 'forbidden'],
  ['openai', 'POST', '/v1/fine_tuning/jobs', 'unknown'],
  ['openai', 'POST', '/v1/vector_stores', 'unknown'],
  ['anthropic', 'POST', '/v1/messages', 'inference'],
  ['anthropic', 'POST', '/v1/messages/batches', 'inference'],
  ['anthropic', 'POST', '/v1/messages/count_tokens', 'free'],
  ['anthropic', 'GET', '/v1/messages/batches/b1/results', 'free'],
  ['anthropic', 'GET', '/v1/messages/batches', 'forbidden'],
  ['anthropic', 'GET', '/v1/organizations/api_keys', 'forbidden'],
  ['anthropic', 'POST', '/v1/chat/completions', 'inference'],
  ['anthropic', 'POST', '/v1/sessions', 'unknown'],
  ['gemini', 'POST', '/v1beta/models/gemini-3:generateContent', 'inference'],
  ['gemini', 'POST', '/v1beta/models/gemini-3:streamGenerateContent', 'inference'],
  ['gemini', 'POST', '/v1/projects/p/locations/l/publishers/google/models/g:predict', 'inference'],
  ['gemini', 'POST', '/v1beta/openai/chat/completions', 'inference'],
  ['gemini', 'POST', '/v1beta/interactions', 'inference'],
  ['gemini', 'POST', '/v1beta/models/gemini-3:countTokens', 'free'],
  ['gemini', 'POST', '/upload/v1beta/files', 'free'],
  ['gemini', 'GET', '/download/v1beta/files/f1:download', 'free'],
  ['gemini', 'GET', '/v1beta/cachedContents/c1', 'free'],
  ['gemini', 'GET', '/v1beta/files', 'forbidden'],
  ['gemini', 'GET', '/v1beta/openai/files', 'forbidden'],
  ['gemini', 'POST', '/v1alpha/auth_tokens', 'forbidden'],
  ['gemini', 'POST', '/v1alpha/authTokens', 'forbidden'],
  ['gemini', 'POST', '/v1beta/tunedModels', 'unknown'],
  ['gemini', 'POST', '/v1beta/models/gemini-3:somethingNew', 'unknown'],
]

describe('what paths are for', () => {
  test.each(rows)('%s %s %s is %s', (dialect, method, path, kind) => {
    expect(knownPath(dialect, method, path).kind).toBe(kind)
  })

  test.each([
    ['openai', '/openai/deployments/my%20gpt/chat/completions', 'my gpt'],
    ['openai', '/v1/chat/completions', undefined],
    ['gemini', '/v1beta/models/gemini-3:generateContent', 'gemini-3'],
    ['gemini', '/v1/projects/p/locations/l/endpoints/77:generateContent', '77'],
    ['gemini', '/v1/publishers/google/models/gemini-3:generateContent', 'gemini-3'],
  ] as const)('%s %s names the model %s', (dialect, path, model) => {
    expect(knownPath(dialect, 'POST', path).model).toBe(model)
  })

  test('files of any size are not looked at', () => {
    expect(knownPath('openai', 'POST', '/v1/files').isUpload).toBe(true)
    expect(knownPath('gemini', 'PUT', '/upload/v1beta/files').isUpload).toBe(true)
    expect(knownPath('openai', 'POST', '/v1/images/edits').isUpload).toBe(false)
  })
})
