import OpenAI from 'openai'

const common = { id: 'chatcmpl-gate', created: 1, model: 'gpt-5.4-2026-03-05' }
const usage = { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 }

const completion = JSON.stringify({
  ...common,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage,
})

const chunk = (rest: object) =>
  `data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', ...rest })}\n\n`
const word = chunk({
  choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }],
  usage: null,
})
const wordCount = 2000
const stream = `${word.repeat(wordCount)}${chunk({ choices: [], usage })}data: [DONE]\n\n`

/** Of every stream. */
export const chunkCount = wordCount + 1

/** A real client whose answers come from memory, so that no socket makes one run unlike another. */
export function cannedOpenAI(): OpenAI {
  return new OpenAI({
    apiKey: 'gate',
    maxRetries: 0,
    fetch: async (_, init) =>
      String(init?.body).includes('"stream":true')
        ? new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
        : new Response(completion, { headers: { 'content-type': 'application/json' } }),
  })
}
