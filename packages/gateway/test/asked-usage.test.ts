import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { rawCall, rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway } from './running.ts'

const json = ['Content-Type', 'application/json'] as const
const chat = (more: object) =>
  JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'hi' }], ...more })

async function ask(body: string | Buffer, headers: readonly (readonly [string, string])[] = []) {
  await using upstream = await startRawUpstream((socket) =>
    socket.write(
      rawReply(Buffer.from('data: [DONE]\n\n'), [['Content-Type', 'text/event-stream']]),
    ),
  )
  await using running = await startGateway(upstream.url)
  const path = '/openai/v1/chat/completions'
  const answer = await rawCall(
    running.port,
    rawRequest({ path, headers: [json, ...headers], body }),
  )
  const sent = upstream.requests[0]?.body.toString()
  return { status: answer.status, text: answer.body.toString(), sent }
}

describe('a chat stream that does not ask for its usage', () => {
  const plain = chat({ stream: true })

  test.each([
    ['signed', plain, ['Content-Digest', 'x']],
    ['signed', plain, ['Signature', 'x']],
    ['signed', plain, ['Content-MD5', 'x']],
    ['encoded', gzipSync(plain), ['Content-Encoding', 'gzip']],
  ] as const)('is refused where its body is %s', async (_, body, header) => {
    const { status, text, sent } = await ask(body, [header])
    expect(status).toBe(400)
    expect(text).toContain('include_usage')
    expect(sent).toBeUndefined()
  })

  test.each([
    ['behind a byte order mark', `\uFEFF${plain}`],
    ['as a number', chat({ stream: 1 })],
    ['as a text', chat({ stream: 'true' })],
    ['as null', chat({ stream: true, stream_options: null })],
  ])('asks for it %s', async (_, body) => {
    const { status, sent } = await ask(body)
    expect(status).toBe(200)
    expect(sent).toContain('"include_usage":true')
  })
})

test('one that asks for it itself is sent as it is, signed and encoded', async () => {
  const body = gzipSync(chat({ stream: true, stream_options: { include_usage: true } }))
  const { status } = await ask(body, [
    ['Content-Encoding', 'gzip'],
    ['Content-Digest', 'sha-256=:abc=:'],
  ])
  expect(status).toBe(200)
})
