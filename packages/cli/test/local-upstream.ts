/** Model providers on this machine, of all three dialects, which answer everything alike. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LocalUpstream extends AsyncDisposable {
  readonly url: string
  /** What came, in order. */
  readonly asked: readonly { readonly path: string; readonly headers: IncomingMessage['headers'] }[]
  /** Between two events of a stream, in ms. */
  pauseMs: number
}

export async function startLocalUpstream(): Promise<LocalUpstream> {
  const asked: LocalUpstream['asked'][number][] = []
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const path = request.url ?? ''
    asked.push({ path, headers: request.headers })
    if (body['stream'] === true) await stream(response, upstream.pauseMs)
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(answerTo(path)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const upstream: LocalUpstream = {
    url: `http://127.0.0.1:${port}`,
    asked,
    pauseMs: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return upstream
}

function answerTo(path: string): object {
  if (path.includes('/messages')) {
    return {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-6',
      content: [{ type: 'text', text: 'Mostly.' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 12, output_tokens: 5 },
    }
  }
  if (path.includes(':generateContent')) {
    return {
      candidates: [
        { content: { role: 'model', parts: [{ text: 'Mostly.' }] }, finishReason: 'STOP' },
      ],
      usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 5, totalTokenCount: 17 },
      modelVersion: 'gemini-3-flash',
      responseId: 'g1',
    }
  }
  if (path.endsWith('/responses')) {
    return {
      id: 'resp_1',
      object: 'response',
      status: 'completed',
      model: 'gpt-5.4-mini',
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'Mostly.' }] }],
      usage: { input_tokens: 12, output_tokens: 5, total_tokens: 17 },
    }
  }
  const message = { role: 'assistant', content: 'Mostly.' }
  return { ...chat, choices: [{ index: 0, message, finish_reason: 'stop' }], usage }
}

const chat = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'gpt-5.4-mini' }
const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 }

async function stream(response: ServerResponse, pauseMs: number): Promise<void> {
  response.setHeader('content-type', 'text/event-stream')
  const chunk = { ...chat, object: 'chat.completion.chunk', usage: null }
  const choices = (delta: object, finish_reason: string | null = null) => [
    { index: 0, delta, finish_reason },
  ]
  const chunks = [
    { ...chunk, choices: choices({ role: 'assistant', content: 'Most' }) },
    { ...chunk, choices: choices({ content: 'ly.' }) },
    { ...chunk, choices: choices({}, 'stop') },
    { ...chunk, choices: [], usage },
  ]
  for (const each of chunks) {
    response.write(`data: ${JSON.stringify(each)}\n\n`)
    await sleep(pauseMs)
  }
  response.end('data: [DONE]\n\n')
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const piece of request) text += piece
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
