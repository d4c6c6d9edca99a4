import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { rawCall, rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway } from './running.ts'

const json = ['Content-Type', 'application/json'] as const
const events = ['Content-Type', 'text/event-stream'] as const
const chat = '/openai/v1/chat/completions'
const streamed =
  '{"model":"gpt-5","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"how are you today?"}]}'

const unasked = [
  { choices: [{ index: 0, delta: { content: 'well' }, finish_reason: null }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  '[DONE]',
].map((data) =>
  Buffer.from(
    `data: ${typeof data === 'string' ? data : JSON.stringify({ model: 'gpt-5', ...data })}\n\n`,
  ),
)

describe('deadlines', () => {
  const slow = (firstMs: number, gapMs: number) => async (socket: Socket) => {
    await new Promise((resolve) => setTimeout(resolve, firstMs))
    socket.write(rawReply([], [events]).toString('latin1').replace('0\r\n\r\n', ''))
    for (const each of unasked) {
      socket.write(`${each.length.toString(16)}\r\n${each.toString('latin1')}\r\n`, 'latin1')
      await new Promise((resolve) => setTimeout(resolve, gapMs))
    }
    socket.write('0\r\n\r\n')
  }
  const request = rawRequest({ path: chat, headers: [json], body: streamed })

  async function asks(firstMs: number, gapMs: number, timeouts: object) {
    await using upstream = await startRawUpstream(slow(firstMs, gapMs))
    await using running = await startGateway(upstream.url, { timeouts })
    const through = await rawCall(running.port, request)
    return { through, entry: await running.entry(1), records: running.records }
  }

  test('a model that thinks for less is waited for', async () => {
    const { through } = await asks(300, 100, { firstByteMs: 5000, idleMs: 5000 })
    expect(through).toMatchObject({ status: 200, isWhole: true })
  })

  test('no first byte in time is 504', async () => {
    const { through, records } = await asks(5000, 0, { firstByteMs: 100 })
    expect(through.status).toBe(504)
    expect(JSON.parse(through.body.toString())).toMatchObject({
      error: { code: 'upstream_timeout' },
    })
    expect(records).toEqual([])
  })

  test('silence within a stream breaks it off, and what was said is recorded', async () => {
    const { through, entry, records } = await asks(0, 3000, { idleMs: 100 })
    expect(through).toMatchObject({ status: 200, isWhole: false })
    expect(entry).toMatchObject({ outcome: 'upstream_failed' })
    expect(records).toHaveLength(1)
  })
})

test('an upstream that answers before it has all of a file is heard', async () => {
  let upstreamPort = 0
  const early = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(rawReply(Buffer.from('{}'), [json], '413 Too Large')))
  })
  await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve))
  upstreamPort = (early.address() as { port: number }).port
  await using running = await startGateway(`http://127.0.0.1:${upstreamPort}`)
  const file = Buffer.alloc(32 * 2 ** 20)
  const headers = [['Content-Type', 'application/octet-stream']] as const
  const through = await rawCall(
    running.port,
    rawRequest({ path: '/openai/v1/files', headers, body: file }),
  )
  expect(through).toMatchObject({ status: 413, isWhole: true })
  expect(await running.entry(1)).toMatchObject({ outcome: 'answered', status: 413 })
  early.close()
})

test('a caller who reads slowly holds the upstream up, and gets all of it', async () => {
  let sent = 0
  const total = 64 * 2 ** 20
  const piece = Buffer.alloc(2 ** 16, 'x')
  await using upstream = await startRawUpstream((socket) => {
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${total}\r\n\r\n`,
    )
    const more = (): void => {
      while (sent < total) {
        sent += piece.length
        if (!socket.write(piece)) return void socket.once('drain', more)
      }
    }
    more()
  })
  await using running = await startGateway(upstream.url)
  const socket = connect(running.port, '127.0.0.1')
  socket.write(rawRequest({ method: 'GET', path: '/openai/v1/models/large' }))
  socket.pause()
  let before = -1
  while (sent !== before) {
    before = sent
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  expect(sent).toBeLessThan(total / 2)
  let got = 0
  socket.on('data', (bytes: Buffer) => (got += bytes.length)).resume()
  const entry = await running.entry(1)
  expect(entry).toMatchObject({ outcome: 'answered', bytesOut: total })
  while (got < total) await new Promise((resolve) => setTimeout(resolve, 20))
  socket.destroy()
})
