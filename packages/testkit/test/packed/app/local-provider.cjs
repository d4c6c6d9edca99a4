'use strict'
const listen = require('./listen.cjs')

const head = { id: 'chatcmpl-packed', created: 1_700_000_000, model: 'gpt-5.4-mini' }

const plainUsage = {
  prompt_tokens: 1203,
  completion_tokens: 57,
  total_tokens: 1260,
  prompt_tokens_details: { cached_tokens: 1024 },
  completion_tokens_details: { reasoning_tokens: 32 },
}
const streamUsage = { prompt_tokens: 31, completion_tokens: 12, total_tokens: 43 }

/** Speaks OpenAI's chat completions, plain and streamed. */
module.exports = function startLocalProvider() {
  return listen((body, response) => {
    if (!body.stream) {
      const message = { role: 'assistant', content: 'hello', refusal: null }
      const choices = [{ index: 0, message, finish_reason: 'stop', logprobs: null }]
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({ ...head, object: 'chat.completion', choices, usage: plainUsage }),
      )
      return
    }
    const asksUsage = body.stream_options?.include_usage === true
    const send = (rest) => {
      const usage = asksUsage ? { usage: null } : {}
      const chunk = { ...head, object: 'chat.completion.chunk', ...usage, ...rest }
      response.write(`data: ${JSON.stringify(chunk)}\n\n`)
    }
    response.setHeader('content-type', 'text/event-stream')
    for (const content of ['hel', 'lo']) {
      send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
    }
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    if (asksUsage) send({ choices: [], usage: streamUsage })
    response.end('data: [DONE]\n\n')
  })
}
