import type { ReplayEvent } from '@token-meter/testkit'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Message } from './messages.ts'

const chunk = { id: 'chatcmpl-test', model: 'gpt-5.4-mini-2026-03-17' }

function textChunk(content: string): ReplayEvent {
  return { ...chunk, choices: [{ index: 0, delta: { content } }] }
}

function lastChunks(input: number, output: number): ReplayEvent[] {
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  return [
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { ...chunk, choices: [], usage },
  ]
}

/** The chunks of a streamed answer, one for each word, with the usage at the end. */
export function chunks(words: readonly string[], input: number, output: number): ReplayEvent[] {
  return [...words.map(textChunk), ...lastChunks(input, output)]
}

/** A provider whose answers the test speaks, so that nothing in it is a matter of time. */
export interface SpokenProvider extends AsyncDisposable {
  readonly url: string
  /** In the order of the requests. */
  readonly answers: readonly SpokenAnswer[]
}

export interface SpokenAnswer {
  readonly messages: readonly Message[]
  say(text: string): void
  finish(input: number, output: number): void
  /** Resolves when the answer is finished, or who asked has gone. */
  readonly closed: Promise<void>
}

export async function startSpokenProvider(): Promise<SpokenProvider> {
  const answers: SpokenAnswer[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const text of request.setEncoding('utf8')) body += text
    const { messages } = JSON.parse(body) as { messages: Message[] }
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    answers.push(spokenAnswer(messages, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections()
    },
  }
}

function spokenAnswer(messages: readonly Message[], response: ServerResponse): SpokenAnswer {
  const send = (event: ReplayEvent) => response.write(`data: ${JSON.stringify(event)}\n\n`)
  return {
    messages,
    say: (text) => void send(textChunk(text)),
    finish(input, output) {
      for (const event of lastChunks(input, output)) send(event)
      response.end('data: [DONE]\n\n')
    },
    closed: new Promise((resolve) => response.once('close', resolve)),
  }
}
