import { expect, test } from 'vitest'
import type { ObjectRequest } from '../src/objects/owned-objects.ts'
import { anna, answered, ben, events, request, startObjects } from './object-requests.ts'
import { refused } from './refused.ts'
import { memoryPlace } from './stores.ts'

test.each<[string, ObjectRequest, unknown, readonly ObjectRequest[]]>([
  [
    'a batch',
    request('POST', '/v1/batches', {}),
    { id: 'batch_1' },
    [request('GET', '/v1/batches/batch_1')],
  ],
  [
    'the files that a batch has left',
    request('GET', '/v1/batches/batch_1'),
    { id: 'batch_1', output_file_id: 'file-o', error_file_id: 'file-e' },
    [request('GET', '/v1/files/file-o/content'), request('GET', '/v1/files/file-e/content')],
  ],
  [
    'a conversation',
    request('POST', '/v1/conversations', {}),
    { id: 'conv_1' },
    [request('POST', '/v1/responses', { conversation: 'conv_1' })],
  ],
  [
    'items of a conversation',
    request('POST', '/v1/conversations/conv_1/items', {}),
    { object: 'list', data: [{ id: 'msg_1' }] },
    [request('POST', '/v1/responses', { input: [{ id: 'msg_1' }] })],
  ],
  [
    'a completion that is stored',
    request('POST', '/v1/chat/completions', { store: true }),
    { id: 'chatcmpl-1' },
    [request('GET', '/v1/chat/completions/chatcmpl-1')],
  ],
  [
    'a completion that is stored, streamed',
    request('POST', '/v1/chat/completions', { store: true, stream: true }),
    'data: {"id":"chatcmpl-1","choices":[]}\n\ndata: [DONE]\n\n',
    [request('GET', '/v1/chat/completions/chatcmpl-1')],
  ],
  [
    'what was said aloud',
    request('POST', '/v1/chat/completions', { audio: { voice: 'v' } }),
    { id: 'chatcmpl-1', choices: [{ message: { audio: { id: 'audio_1' } } }] },
    [request('POST', '/v1/chat/completions', { messages: [{ audio: { id: 'audio_1' } }] })],
  ],
  [
    'an upload',
    request('POST', '/v1/uploads/upload_1/complete', {}),
    { id: 'upload_1', file: { id: 'file-1' } },
    [request('GET', '/v1/files/file-1')],
  ],
  [
    'a vector store',
    request('POST', '/v1/vector_stores', {}),
    { id: 'vs_1' },
    [request('POST', '/v1/responses', { tools: [{ vector_store_ids: ['vs_1'] }] })],
  ],
  [
    'a video',
    request('POST', '/v1/videos', {}),
    { id: 'video_1' },
    [request('GET', '/v1/videos/video_1/content')],
  ],
  [
    'a video made of another',
    request('POST', '/v1/videos/video_0/remix', {}),
    { id: 'video_1' },
    [request('GET', '/v1/videos/video_1')],
  ],
  [
    'a file of Anthropic’s',
    request('POST', '/v1/files', undefined, 'anthropic'),
    { id: 'file_1', type: 'file' },
    [request('GET', '/v1/files/file_1/content', undefined, 'anthropic')],
  ],
  [
    'a message batch',
    request('POST', '/v1/messages/batches', {}, 'anthropic'),
    { id: 'msgbatch_1' },
    [request('GET', '/v1/messages/batches/msgbatch_1/results', undefined, 'anthropic')],
  ],
  [
    'what code has left',
    request('POST', '/v1/messages', { tools: [{ type: 'code_execution_20260120' }] }, 'anthropic'),
    {
      id: 'msg_1',
      container: { id: 'container_1' },
      content: [
        { type: 'code_execution_tool_result', content: { content: [{ file_id: 'file_1' }] } },
      ],
    },
    [
      request('POST', '/v1/messages', { container: 'container_1' }, 'anthropic'),
      request('GET', '/v1/files/file_1/content', undefined, 'anthropic'),
    ],
  ],
  [
    'what code has left, streamed',
    request('POST', '/v1/messages', { container: 'container_0', stream: true }, 'anthropic'),
    events(
      { type: 'message_start', message: { id: 'msg_1', container: null } },
      {
        type: 'content_block_start',
        content_block: {
          type: 'bash_code_execution_tool_result',
          content: { content: [{ file_id: 'file_1' }] },
        },
      },
      { type: 'message_delta', delta: { container: { id: 'container_1' } } },
    ),
    [
      request('POST', '/v1/messages', { container: { id: 'container_1' } }, 'anthropic'),
      request('GET', '/v1/files/file_1', undefined, 'anthropic'),
    ],
  ],
  [
    'a file of Google’s',
    request('POST', '/upload/v1beta/files', undefined, 'gemini'),
    {
      file: { name: 'files/f1', uri: 'https://generativelanguage.googleapis.com/v1beta/files/f1' },
    },
    [
      request(
        'POST',
        '/v1beta/models/m:generateContent',
        {
          contents: [
            {
              parts: [
                {
                  fileData: {
                    fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/f1',
                  },
                },
              ],
            },
          ],
        },
        'gemini',
      ),
    ],
  ],
  [
    'a cache',
    request('POST', '/v1beta/cachedContents', {}, 'gemini'),
    { name: 'cachedContents/c1', model: 'models/m' },
    [
      request(
        'POST',
        '/v1beta/models/m:generateContent',
        { cachedContent: 'cachedContents/c1' },
        'gemini',
      ),
    ],
  ],
  [
    'a batch of Google’s',
    request('POST', '/v1beta/models/m:batchGenerateContent', {}, 'gemini'),
    { name: 'batches/b1' },
    [request('POST', '/v1beta/batches/b1:cancel', {}, 'gemini')],
  ],
  [
    'a file that such a batch has left',
    request('GET', '/v1beta/batches/b1', undefined, 'gemini'),
    { name: 'batches/b1', done: true, response: { responsesFile: 'files/f1' } },
    [request('GET', '/download/v1beta/files/f1:download', undefined, 'gemini')],
  ],
  [
    'an operation',
    request('POST', '/v1beta/models/veo:predictLongRunning', {}, 'gemini'),
    { name: 'models/veo/operations/o1' },
    [request('GET', '/v1beta/models/veo/operations/o1', undefined, 'gemini')],
  ],
  [
    'a video that an operation has left',
    request('GET', '/v1beta/models/veo/operations/o1', undefined, 'gemini'),
    {
      name: 'models/veo/operations/o1',
      response: {
        generateVideoResponse: {
          generatedSamples: [
            {
              video: {
                uri: 'https://generativelanguage.googleapis.com/v1beta/files/f1:download?alt=media',
              },
            },
          ],
        },
      },
    },
    [request('GET', '/v1beta/files/f1:download?alt=media', undefined, 'gemini')],
  ],
  [
    'an interaction',
    request('POST', '/v1beta/interactions', {}, 'gemini'),
    { id: 'i1', status: 'completed' },
    [request('POST', '/v1beta/interactions', { previous_interaction_id: 'i1' }, 'gemini')],
  ],
  [
    'an interaction, streamed',
    request('POST', '/v1beta/interactions', { stream: true }, 'gemini'),
    'event: interaction.start\ndata: {"interaction":{"id":"i1"},"event_type":"interaction.start"}\n\n',
    [request('GET', '/v1beta/interactions/i1', undefined, 'gemini')],
  ],
])('%s is whose request has made it', async (_, asked, answer, uses) => {
  const { objects } = startObjects(memoryPlace())
  for (const use of uses) {
    expect(await refused(() => objects.check(use, anna))).toMatchObject({ status: 404 })
  }
  await answered(objects, [asked, anna], answer, 1)
  for (const use of uses) {
    await objects.check(use, anna)
    expect(await refused(() => objects.check(use, ben))).toMatchObject({ status: 404 })
  }
})

test.each([
  ['a completion', request('POST', '/v1/chat/completions', {})],
  ['a response that is not stored', request('POST', '/v1/responses', { store: false })],
  ['a count', request('POST', '/v1/responses/input_tokens', {})],
  ['a message', request('POST', '/v1/messages', { tools: [{ name: 't' }] }, 'anthropic')],
  ['an answer of Gemini', request('POST', '/v1beta/models/m:generateContent', {}, 'gemini')],
  ['what is deleted', request('DELETE', '/v1/files/file-1')],
  ['what is listed', request('GET', '/v1/models')],
])('nothing is looked for in %s', (_, asked) => {
  expect(startObjects(memoryPlace()).objects.watch(asked, anna)).toBeUndefined()
})
