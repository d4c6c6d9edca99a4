import { expect, test } from 'vitest'
import type { Dialect } from '../upstream.ts'
import { namedIds } from './named-ids.ts'

const named = (
  target: string,
  body?: Readonly<Record<string, unknown>>,
  dialect: Dialect = 'openai',
): readonly string[] => {
  const [path = '', query] = target.split('?')
  const method = body === undefined ? 'GET' : 'POST'
  const request = { upstream: 'u', dialect, method, path, query: new URLSearchParams(query), body }
  return [...namedIds(request)].toSorted()
}

test.each([
  ['/v1/files/file-1', 'file-1'],
  ['/v1/files/file-1/content', 'file-1'],
  ['/openai/v1/files/file-1', 'file-1'],
  ['/openai/files/file-1?api-version=2025-04-01', 'file-1'],
  ['/v1/batches/batch_1/cancel', 'batch_1'],
  ['/v1/responses/resp_1/input_items', 'resp_1'],
  ['/v1/conversations/conv_1/items/msg_1', 'conv_1'],
  ['/v1/chat/completions/chatcmpl-1/messages', 'chatcmpl-1'],
  ['/async/chat/completions/1', '1'],
  ['/v1/vector_stores/vs_1/files/file-1', 'vs_1'],
  ['/v1/fine_tuning/jobs/ftjob-1/events', 'ftjob-1'],
  ['/v1/videos/video_1/content', 'video_1'],
  ['/v1/videos/characters/char_1', 'char_1'],
  ['/v1/uploads/upload_1/parts', 'upload_1'],
  ['/v1/containers/cntr_1/files/cfile_1/content', 'cntr_1'],
  ['/v1/realtime/calls/rtc_1/accept', 'rtc_1'],
  ['/v1/files/file%2D1', 'file-1'],
  ['/v1//files//file-1', 'file-1'],
  ['/v1/files\\file-1', 'file-1'],
  ['/v1/files/%E0%A4%A', '%E0%A4%A'],
])('OpenAI: %s is about %s', (target, id) => {
  expect(named(target)).toEqual([id])
})

test.each([
  '/v1/files',
  '/v1/models/gpt-5.4',
  '/v1/responses/input_tokens',
  '/v1/responses/compact',
  '/openai/deployments/files/chat/completions',
  '/openai/deployments/batches/embeddings',
  '/v1/videos/edits',
])('OpenAI: %s is about nothing that was made', (target) => {
  expect(named(target)).toEqual([])
})

test.each<[string, Dialect, string]>([
  ['/v1/messages/batches/msgbatch_1/results', 'anthropic', 'msgbatch_1'],
  ['/v1/files/file_1/content', 'anthropic', 'file_1'],
  ['/v1beta/files/abc', 'gemini', 'files/abc'],
  ['/download/v1beta/files/abc:download?alt=media', 'gemini', 'files/abc'],
  ['/v1beta/cachedContents/abc', 'gemini', 'cachedContents/abc'],
  ['/v1/projects/p/locations/l/cachedContents/1', 'gemini', 'cachedContents/1'],
  ['/v1beta/batches/abc:cancel', 'gemini', 'batches/abc'],
  ['/v1beta/models/veo-3/operations/op1', 'gemini', 'operations/op1'],
  ['/v1beta/fileSearchStores/s1/documents/d1', 'gemini', 'fileSearchStores/s1'],
  ['/v1beta/interactions/i1', 'gemini', 'interactions/i1'],
  ['/v1beta/openai/batches/batch_1', 'gemini', 'batch_1'],
])('%s of %s is about %s', (target, dialect, id) => {
  expect(named(target, undefined, dialect)).toEqual([id])
})

test('OpenAI: ids are found wherever a body can have them', () => {
  const body = {
    model: 'gpt-5.4',
    previous_response_id: 'resp_1',
    conversation: { id: 'conv_1' },
    prompt: { id: 'pmpt_1', variables: { file: { type: 'input_file', file_id: 'file-1' } } },
    input: [
      { role: 'user', content: [{ type: 'input_file', file_id: 'file-2' }] },
      { role: 'user', content: [{ type: 'input_image', file_id: 'file-3' }] },
      { type: 'item_reference', id: 'msg_1' },
      { id: 'msg_2' },
      { type: null, id: 'msg_3' },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'reasoning', id: 'rs_x', summary: [], encrypted_content: 'e' },
      { type: 'message', role: 'assistant', id: 'msg_x', content: [] },
      { type: 'function_call', id: 'fc_x', arguments: '{"file_id":"x"}' },
      { type: 'function_call_output', output: [{ type: 'input_file', file_id: 'file-4' }] },
      { type: 'code_interpreter_call', id: 'ci_x', container_id: 'cntr_x' },
      { type: 'file_search_call', id: 'fs_x', results: [{ file_id: 'file-x' }] },
    ],
    tools: [
      { type: 'file_search', vector_store_ids: ['vs_1', 'vs_2'] },
      { type: 'code_interpreter', container: { type: 'auto', file_ids: ['file-5'] } },
      { type: 'code_interpreter', container: 'cntr_1' },
      { type: 'shell', environment: { type: 'container_reference', container_id: 'cntr_2' } },
      { type: 'function', parameters: { properties: { file_id: 'x', conversation: 'x' } } },
    ],
    metadata: { file_id: 'x', conversation: 'x' },
  }
  expect(named('/v1/responses', body)).toEqual([
    'cntr_1',
    'cntr_2',
    'conv_1',
    'file-1',
    'file-2',
    'file-3',
    'file-4',
    'file-5',
    'msg_1',
    'msg_2',
    'msg_3',
    'resp_1',
    'rs_1',
    'vs_1',
    'vs_2',
  ])
})

test.each([
  [{ conversation: 'conv_1' }, ['conv_1']],
  [{ conversation: 'auto' }, []],
  [{ input_file_id: 'file-1', endpoint: '/v1/responses' }, ['file-1']],
  [{ training_file: 'file-1', validation_file: 'file-2' }, ['file-1', 'file-2']],
  [{ file_ids: ['file-1', 5, null] }, ['file-1']],
  [{ messages: [{ content: [{ type: 'file', file: { file_id: 'file-1' } }] }] }, ['file-1']],
  [{ messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }, ['audio_1']],
  [{ audio: { voice: 'alloy' }, modalities: ['audio'] }, []],
  [{ images: [{ file_id: 'file-1' }], mask: { file_id: 'file-2' } }, ['file-1', 'file-2']],
  [{ data_source: { source: { type: 'file_id', id: 'file-1' } } }, ['file-1']],
  [{ input: [[1, 2], [3]] }, []],
  [{ input: 'file_id' }, []],
])('OpenAI: %j names %j', (body, ids) => {
  expect(named('/v1/x', body)).toEqual(ids)
})

test('Anthropic: what a tool is called with, and what code has left, is told from what is asked for', () => {
  const params = {
    container: { id: 'container_1', skills: [{ type: 'anthropic', skill_id: 'pptx' }] },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'document', source: { type: 'file', file_id: 'file_1' } },
          { type: 'container_upload', file_id: 'file_2' },
          { type: 'tool_result', content: [{ type: 'image', source: { file_id: 'file_3' } }] },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'toolu_1', input: { file_id: 'mine', container: 'mine' } },
          { type: 'mcp_tool_use', id: 'mcptoolu_1', input: { file_id: 'mine' } },
        ],
      },
    ],
    tools: [{ name: 'open', input_schema: { properties: { file_id: 'x' } } }],
    metadata: { user_id: 'u' },
  }
  const ids = ['container_1', 'file_1', 'file_2', 'file_3']
  expect(named('/v1/messages', params, 'anthropic')).toEqual(ids)
  const batch = { requests: [{ custom_id: 'c', params }] }
  expect(named('/v1/messages/batches', batch, 'anthropic')).toEqual(ids)
})

test('Gemini: names are found by either spelling, and what is elsewhere is nobody’s here', () => {
  const google = 'https://generativelanguage.googleapis.com/v1beta'
  const body = {
    cachedContent: 'cachedContents/c1',
    contents: [
      {
        parts: [
          { fileData: { fileUri: `${google}/files/f1`, mimeType: 'video/mp4' } },
          { file_data: { file_uri: 'files/f2' } },
          { fileData: { fileUri: `${google}/%66iles/f3?alt=media` } },
          { fileData: { fileUri: 'https://www.youtube.com/watch?v=files/no' } },
          { fileData: { fileUri: 'https://example.com/files/no' } },
          { fileData: { fileUri: 'gs://bucket/files/no' } },
          { functionCall: { name: 'open', args: { fileUri: 'files/no' } } },
          { functionResponse: { name: 'open', response: { uri: 'files/no' } } },
        ],
      },
    ],
    tools: [{ fileSearch: { fileSearchStoreNames: ['fileSearchStores/s1'] } }],
  }
  expect(named('/v1beta/models/gemini-3:generateContent', body, 'gemini')).toEqual([
    'cachedContents/c1',
    'fileSearchStores/s1',
    'files/f1',
    'files/f2',
    'files/f3',
  ])
  const asked: readonly (readonly [Readonly<Record<string, unknown>>, readonly string[]])[] = [
    [{ cached_content: 'projects/p/locations/l/cachedContents/1' }, ['cachedContents/1']],
    [{ cachedContent: 'c1' }, ['c1']],
    [{ batch: { inputConfig: { fileName: 'files/f1' } } }, ['files/f1']],
    [{ operationName: 'projects/p/models/m/operations/o1' }, ['operations/o1']],
    [{ previous_interaction_id: 'i1' }, ['interactions/i1']],
    [{ instances: [{ video: { uri: `${google}/files/f1:download?alt=media` } }] }, ['files/f1']],
  ]
  for (const [body, ids] of asked) expect(named('/v1beta/x', body, 'gemini')).toEqual(ids)
})

test('items of a realtime session are its own', () => {
  const response = { conversation: 'none', input: [{ type: 'item_reference', id: 'item_1' }] }
  expect(named('/v1/realtime', { type: 'response.create', response })).toEqual([])
})

test('a query can name something too', () => {
  expect(named('/v1/realtime?conversation=conv_1&file_id=file-1&after=x')).toEqual([
    'conv_1',
    'file-1',
  ])
})

test('a body that is nested as deep as it is long is looked at to its end', () => {
  let body: Readonly<Record<string, unknown>> = { file_id: 'file-1' }
  for (let depth = 0; depth < 100_000; depth++) body = { a: [body] }
  expect(named('/v1/responses', body)).toEqual(['file-1'])
  const many = { file_ids: Array.from({ length: 3000 }, (_, index) => `file-${index}`) }
  expect(() => named('/v1/responses', { tools: [many] })).toThrow(
    expect.objectContaining({ status: 400 }),
  )
})
