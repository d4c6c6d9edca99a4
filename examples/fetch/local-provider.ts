import { startReplayServer } from '@token-meter/testkit'

/** A provider on this machine, and a `fetch` that asks it whatever the host is. */
export async function startLocalProvider() {
  const provider = await startReplayServer()
  provider.serve(chunks, { path: '/v1/chat/completions' })
  provider.serve(completion, { path: '/v1/chat/completions' })
  provider.serve(embeddings, { path: '/v1/embeddings' })
  provider.serve({ status: 'delivered' }, { path: '/v1/messages' })
  const ask: typeof fetch = (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    return fetch(provider.url + pathname, init)
  }
  return { fetch: ask, close: () => provider.close() }
}

const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-5.4-2026-03-05' }
const usage = { prompt_tokens: 20, completion_tokens: 4, total_tokens: 24 }
const chunks = [
  ...['Tea', ' is', ' warm.'].map((content) => ({
    ...chunk,
    choices: [{ index: 0, delta: { content } }],
  })),
  { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { ...chunk, choices: [], usage },
]

const completion = {
  id: 'cmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'mistral-medium-2508',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Green tea.' }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
}

const embeddings = {
  object: 'list',
  model: 'bge-m3',
  data: [{ object: 'embedding', index: 0, embedding: [0.1, 0.2] }],
  usage: { prompt_tokens: 5, total_tokens: 5 },
}
