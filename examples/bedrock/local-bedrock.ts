import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { EventStreamCodec } from '@smithy/core/event-streams'
import { fromUtf8, toUtf8 } from '@smithy/core/serde'

/** A stand-in for Bedrock on this machine, over HTTP/2, with an answer to each request of the story. */
export async function startLocalBedrock(): Promise<AsyncDisposable & { readonly url: string }> {
  const replies = story()
  const sessions = new Set<{ destroy(): void }>()
  const server = createServer((request, response) => {
    request.resume()
    const reply = replies.shift() ?? {}
    if (!Array.isArray(reply)) {
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify(reply))
    }
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    for (const event of reply) response.write(frame(event as object))
    response.end()
  })
  server.on('session', (session) => void sessions.add(session))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function story(): (object | object[])[] {
  return [
    answer('Air scatters blue light most.', { inputTokens: 19, outputTokens: 9 }),
    [
      { messageStart: { role: 'assistant' } },
      ...['1 ', '2 ', '3 ', '4 ', '5'].map((text) => ({
        contentBlockDelta: { contentBlockIndex: 0, delta: { text } },
      })),
      { contentBlockStop: { contentBlockIndex: 0 } },
      { messageStop: { stopReason: 'end_turn' } },
      { metadata: { usage: { inputTokens: 12, outputTokens: 13 }, metrics: { latencyMs: 90 } } },
    ],
    answer('The keeper.', { inputTokens: 6, outputTokens: 5, cacheWriteInputTokens: 4801 }),
    answer('The light.', { inputTokens: 7, outputTokens: 5, cacheReadInputTokens: 4801 }),
    { generation: ' blue', prompt_token_count: 4, generation_token_count: 1, stop_reason: 'stop' },
  ]
}

function answer(text: string, usage: object): object {
  return {
    output: { message: { role: 'assistant', content: [{ text }] } },
    stopReason: 'end_turn',
    metrics: { latencyMs: 90 },
    usage,
  }
}

const codec = new EventStreamCodec(toUtf8, fromUtf8)

/** An event as AWS frames it. */
function frame(event: object): Uint8Array {
  const [type = '', payload] = Object.entries(event)[0] ?? []
  const text = (value: string) => ({ type: 'string' as const, value })
  return codec.encode({
    headers: {
      ':message-type': text('event'),
      ':event-type': text(type),
      ':content-type': text('application/json'),
    },
    body: fromUtf8(JSON.stringify(payload)),
  })
}
