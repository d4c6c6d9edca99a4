import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway } from './running.ts'

const event = (type: string, more: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
const words = 'word '.repeat(100)
const response = { id: 'resp_1', object: 'response', status: 'in_progress', model: 'gpt-5.4' }
const responseUsage = { input_tokens: 500, output_tokens: 5000, total_tokens: 5500 }
const message = { id: 'msg_1', type: 'message', model: 'claude-sonnet-4-6', content: [] }

/** What comes until the text has ended, and what comes then. */
const streams = [
  {
    name: 'a response',
    path: '/openai/v1/responses',
    body: { model: 'gpt-5.4', input: 'hi', stream: true },
    text: [
      event('response.created', { response }),
      event('response.output_text.delta', { delta: words }),
      event('response.output_text.done', { text: words }),
    ],
    rest: [
      event('response.output_item.done', { item: { type: 'message', id: 'm', content: [] } }),
      event('response.completed', {
        response: { ...response, status: 'completed', output: [], usage: responseUsage },
      }),
    ],
    tokens: { input: 500, output: 5000 },
  },
  {
    name: 'a message',
    path: '/anthropic/v1/messages',
    body: { model: 'm', max_tokens: 9, messages: [], stream: true },
    text: [
      event('message_start', {
        message: { ...message, usage: { input_tokens: 500, output_tokens: 1 } },
      }),
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: words } }),
      event('content_block_stop', { index: 0 }),
    ],
    rest: [
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 900 } }),
      event('message_stop', {}),
    ],
    tokens: { input: 500, output: 900 },
  },
]

test.each(streams)('$name is read to its usage once its text has ended', async (stream) => {
  const left = Promise.withResolvers<void>()
  await using upstream = await startRawUpstream(async (socket) => {
    const head = rawReply([], [['Content-Type', 'text/event-stream']]).toString()
    socket.write(head.replace('0\r\n\r\n', ''))
    const write = (text: string) => socket.write(`${text.length.toString(16)}\r\n${text}\r\n`)
    stream.text.forEach(write)
    await left.promise
    stream.rest.forEach(write)
    socket.end('0\r\n\r\n')
  })
  await using running = await startGateway(upstream.url, { onClientGone: 'abort' })
  const caller = connect(running.port, '127.0.0.1').on('error', () => {})
  const isThere = Promise.withResolvers<void>()
  let seen = ''
  caller.on('data', (piece: Buffer) => {
    seen += piece.toString()
    if (seen.includes(stream.text.at(-1) ?? '')) isThere.resolve()
  })
  const headers = [['Content-Type', 'application/json']] as const
  caller.write(rawRequest({ path: stream.path, headers, body: JSON.stringify(stream.body) }))
  await isThere.promise
  caller.destroy()
  await sleep(50)
  left.resolve()
  expect(await running.entry(1)).toMatchObject({ outcome: 'client_gone' })
  expect(running.records).toMatchObject([{ outcome: 'complete', tokens: stream.tokens }])
})
