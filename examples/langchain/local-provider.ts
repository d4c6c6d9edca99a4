import { type ReplayServer, startReplayServer } from '@token-meter/testkit'

/** A provider on this machine that answers the calls of the story as OpenAI does. */
export async function startLocalProvider(): Promise<ReplayServer> {
  const provider = await startReplayServer()
  provider.serve(chatChunks, { path: '/chat/completions' })
  provider.serve(toolCall, { path: '/chat/completions' })
  provider.serve(answer, { path: '/chat/completions' })
  provider.serve(embeddings, { path: '/embeddings' })
  return provider
}

const model = 'gpt-5.4-2026-03-05'
const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model }
const words = ['Tea', ' is', ' warm.']
const chatChunks = [
  ...words.map((content) => ({ ...chunk, choices: [{ index: 0, delta: { content } }] })),
  { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  {
    ...chunk,
    choices: [],
    usage: { prompt_tokens: 17, completion_tokens: 4, total_tokens: 21 },
  },
]

const completion = { object: 'chat.completion', created: 1, model }

const toolCall = {
  ...completion,
  id: 'chatcmpl-2',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'stock', arguments: '{"tea":"green"}' },
          },
        ],
      },
      finish_reason: 'tool_calls',
    },
  ],
  usage: {
    prompt_tokens: 60,
    completion_tokens: 40,
    total_tokens: 100,
    completion_tokens_details: { reasoning_tokens: 26 },
  },
}

const answer = {
  ...completion,
  id: 'chatcmpl-3',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'There are 12 tins of green tea.' },
      finish_reason: 'stop',
    },
  ],
  usage: {
    prompt_tokens: 120,
    completion_tokens: 9,
    total_tokens: 129,
    prompt_tokens_details: { cached_tokens: 64 },
  },
}

const embeddings = {
  object: 'list',
  model: 'text-embedding-3-small',
  data: [0, 1].map((index) => ({ object: 'embedding', index, embedding: [0.5, 0.25] })),
  usage: { prompt_tokens: 4, total_tokens: 4 },
}
