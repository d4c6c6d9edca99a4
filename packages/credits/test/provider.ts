/** A provider on loopback that answers as OpenAI and Anthropic do, with the usage that it is told. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it answers a request with. */
export interface Reply {
  readonly input: number
  readonly output: number
  /** An error in place of an answer. */
  readonly status?: number
  /** The connection is closed in place of an answer. */
  readonly isCut?: boolean
  /** Done before it answers. */
  readonly meanwhile?: () => unknown
  /** Done before the end of a stream. @param closed its connection is. */
  readonly atEnd?: (closed: Promise<unknown>) => unknown
}

export type Body = Readonly<Record<string, unknown>>

export interface LoopbackProvider {
  readonly url: string
  /** What was sent to it. */
  readonly bodies: readonly Body[]
  close(): Promise<void>
}

export async function startProvider(reply: (body: Body) => Reply): Promise<LoopbackProvider> {
  const bodies: Body[] = []
  const server = createServer((request, response) => {
    void answer(request, response, (body) => {
      bodies.push(body)
      return reply(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

let answers = Date.now()

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  reply: (body: Body) => Reply,
): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const body = JSON.parse(Buffer.concat(pieces).toString() || '{}') as Body
  const { input, output, status = 200, isCut, meanwhile, atEnd } = reply(body)
  const closed = once(response, 'close')
  await meanwhile?.()
  if (isCut === true) return void request.socket.destroy()
  const id = `answer_${++answers}`
  if (status !== 200) {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { type: 'server_error', message: 'no' } }))
    return
  }
  const { model } = body
  if (request.url?.endsWith('/batches') === true) {
    const batch = { type: 'message_batch', processing_status: 'in_progress' }
    return json(response, { id: `msgbatch_${id}`, ...batch })
  }
  if (request.url?.includes('/responses') === true) {
    const isDone = request.method === 'GET'
    const usage = { input_tokens: input, output_tokens: output, total_tokens: input + output }
    return json(response, {
      id: isDone ? request.url.split('/').at(-1) : `resp_${id}`,
      object: 'response',
      model: 'gpt-test',
      background: true,
      created_at: Date.now() / 1000,
      status: isDone ? 'completed' : 'queued',
      output: [],
      usage: isDone ? usage : null,
    })
  }
  if (request.url?.endsWith('/messages') === true) {
    const usage = { input_tokens: input, output_tokens: output }
    const content = [{ type: 'text', text: 'word '.repeat(output) }]
    return json(response, {
      id,
      type: 'message',
      role: 'assistant',
      model,
      content,
      stop_reason: 'end_turn',
      usage,
    })
  }
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  if (body['stream'] !== true) {
    const message = { role: 'assistant', content: 'word '.repeat(output) }
    const choices = [{ index: 0, message, finish_reason: 'stop' }]
    return json(response, { id, object: 'chat.completion', created: 1, model, choices, usage })
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const event = (rest: object) => {
    const chunk = { id, object: 'chat.completion.chunk', created: 1, model, ...rest }
    return response.write(`data: ${JSON.stringify(chunk)}\n\n`)
  }
  for (let token = 0; token < output && !response.destroyed; token++) {
    event({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] })
    await new Promise((resolve) => setImmediate(resolve))
  }
  await atEnd?.(closed)
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  event({ choices: [], usage })
  response.end('data: [DONE]\n\n')
}

function json(response: ServerResponse, answer: object): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer))
}
