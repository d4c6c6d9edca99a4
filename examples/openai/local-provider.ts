import { type ReplayServer, startReplayServer } from '@token-meter/testkit'

/** A provider on this machine that answers the calls of the story as OpenAI does. */
export async function startLocalProvider(): Promise<ReplayServer> {
  const provider = await startReplayServer()
  provider.serve(chatChunks, { path: '/chat/completions' })
  provider.serve(response, { path: '/responses' })
  provider.serve(image, { path: '/images/generations' })
  provider.serve(new Uint8Array([0xff, 0xfb, 0x90, 0x00]), {
    path: '/audio/speech',
    headers: { 'content-type': 'audio/mpeg' },
  })
  return provider
}

const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-5.4-2026-03-05' }
const words = ['Tea', ' is', ' warm.']
const chatChunks = [
  ...words.map((content) => ({ ...chunk, choices: [{ index: 0, delta: { content } }] })),
  { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  {
    ...chunk,
    choices: [],
    usage: {
      prompt_tokens: 1020,
      completion_tokens: 4,
      total_tokens: 1024,
      prompt_tokens_details: { cached_tokens: 1000 },
    },
  },
]

const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'gpt-5.4-2026-03-05',
  output: [{ type: 'message', content: [{ type: 'output_text', text: 'Green tea.' }] }],
  usage: { input_tokens: 12, output_tokens: 30, total_tokens: 42 },
}

const image = {
  created: 1,
  data: [{ b64_json: 'iVBORw0KGgo=' }],
  usage: {
    input_tokens: 9,
    input_tokens_details: { text_tokens: 9, image_tokens: 0 },
    output_tokens: 1056,
    total_tokens: 1065,
  },
}
