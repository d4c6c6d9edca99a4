import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import zlib from 'node:zlib'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { headerOf, rawCall, rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway } from './running.ts'

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const answer = Buffer.from(JSON.stringify({ id: 'c', model: 'gpt-5', choices: [], usage }))
const upstream = await startRawUpstream((socket) =>
  socket.write(rawReply(answer, [['Content-Type', 'application/json']])),
)
const running = await startGateway(upstream.url)
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})
beforeEach(() => {
  upstream.requests.length = 0
})

const json = ['Content-Type', 'application/json'] as const
const chat = '/openai/v1/chat/completions'
const body = '{"model":"gpt-5","messages":[]}'

async function send(
  path: string,
  headers: readonly (readonly [string, string])[] = [],
  more: { method?: string; body?: string | Buffer } = {},
) {
  const sent = { path, headers, body, ...more }
  return rawCall(running.port, rawRequest(sent), more.method === 'HEAD')
}

test.each([
  ['{"model":"a","model":"b","messages":[]}', 'model'],
  ['{"model":"a","\\u006dodel":"b"}', 'model'],
  ['{"user":"cus_1","x":[{"user":"\\""}],"user":"cus_2","model":"a"}', 'user'],
  ['{"stream":true,"model":"a", "stream" :false}', 'stream'],
])('%s is refused for what it says twice', async (sent, name) => {
  const { status, body: said } = await send(chat, [json], { body: sent })
  expect(status).toBe(400)
  expect(said.toString()).toContain(`\\"${name}\\" twice`)
  expect(upstream.requests).toEqual([])
})

test('what is no JSON is refused where it would cost something', async () => {
  for (const sent of [
    '{"model":"a","temperature":NaN}',
    '[]',
    '"x"',
    'model=a',
    '{"model":"a"}}',
  ]) {
    expect((await send(chat, [json], { body: sent })).status).toBe(400)
  }
  expect(upstream.requests).toEqual([])
})

test.each(['gzip', 'br', 'zstd', 'deflate'] as const)(
  'a body in %s is read, and goes on as it came',
  async (encoding) => {
    const encode = {
      gzip: zlib.gzipSync,
      br: zlib.brotliCompressSync,
      zstd: zlib.zstdCompressSync,
      deflate: zlib.deflateSync,
    }[encoding]
    const count = running.entries.length
    const text = '{"model":"gpt-5","messages":[],"user":"cus_enc"}'
    const bytes = encode(Buffer.from(text))
    await send(chat, [json, ['Content-Encoding', encoding]], { body: bytes })
    expect(upstream.requests[0]?.body.equals(bytes)).toBe(true)
    expect(headerOf(upstream.requests[0] as never, 'content-encoding')).toBe(encoding)
    expect(await running.entry(count + 1)).toMatchObject({ model: 'gpt-5', customer: 'cus_enc' })
  },
)

test('a bomb is refused, and so is what cannot be decoded', async () => {
  await using small = await startGateway(upstream.url, { maxBodyBytes: 2 ** 20 })
  const ask = async (bytes: Buffer, encoding: string) => {
    const headers = [json, ['Content-Encoding', encoding] as const]
    return (await rawCall(small.port, rawRequest({ path: chat, headers, body: bytes }))).status
  }
  const bomb = zlib.gzipSync(Buffer.alloc(2 ** 24, ' '))
  expect(bomb.length).toBeLessThan(2 ** 16)
  expect(await ask(bomb, 'gzip')).toBe(413)
  expect(await ask(Buffer.from('no gzip'), 'gzip')).toBe(400)
  expect(await ask(Buffer.from(body), 'compress')).toBe(415)
  expect(await ask(Buffer.from(body), 'gzip, gzip, gzip')).toBe(415)
  expect(upstream.requests).toEqual([])
  expect(small.gateway.stats().bytesInFlight).toBe(0)
})

test('what is decoded counts while it is, among all', async () => {
  await using small = await startGateway(upstream.url, {
    maxBodyBytes: 2 ** 22,
    maxBytesInFlight: 2 ** 22,
  })
  const ask = async (bytes: Buffer) => {
    const headers = [json, ['Content-Encoding', 'gzip'] as const]
    return (await rawCall(small.port, rawRequest({ path: chat, headers, body: bytes }))).status
  }
  // Far below what a body may have, and far above what a text becomes.
  expect(await ask(zlib.gzipSync(Buffer.alloc(2 ** 21, ' ')))).toBe(413)
  const dense = Buffer.from(randomBytes(2 ** 20).toString('hex')).subarray(0, 2 ** 21)
  const text = Buffer.concat([Buffer.from('{"model":"gpt-5","x":"'), dense, Buffer.from('"}')])
  expect(await ask(zlib.gzipSync(text))).toBe(200)
  const waits = connect(small.port, '127.0.0.1')
  waits.on('error', () => {})
  waits.write(`POST ${chat} HTTP/1.1\r\nHost: x\r\nContent-Length: 1500000\r\n\r\n`)
  waits.write('a'.repeat(1_400_000))
  while (small.gateway.stats().bytesInFlight < 1_400_000)
    await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await ask(zlib.gzipSync(text))).toBe(503)
  waits.destroy()
  while (small.gateway.stats().bytesInFlight > 0)
    await new Promise((resolve) => setTimeout(resolve, 5))
})

test('bytes that are no UTF-8 go on as they are, and a body of 60 MiB does', async () => {
  const odd = Buffer.concat([
    Buffer.from('{"model":"gpt-5","messages":[{"content":"'),
    Buffer.from([0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
    Buffer.from('"}]}'),
  ])
  expect((await send(chat, [json], { body: odd })).status).toBe(200)
  expect(upstream.requests[0]?.body.equals(odd)).toBe(true)
  const large = Buffer.concat([
    Buffer.from('{"model":"gpt-5","messages":[{"content":"'),
    Buffer.alloc(60 * 2 ** 20, 'a\\"b'),
    Buffer.from('"}]}'),
  ])
  const reply = rawReply(answer, [['Content-Type', 'application/json']])
  let got = 0
  const sink = createServer((request, response) => {
    request.on('data', (piece: Buffer) => (got += piece.length))
    request.on('end', () =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer),
    )
  })
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
  const { port } = sink.address() as { port: number }
  await using own = await startGateway(`http://127.0.0.1:${port}`)
  const { status } = await rawCall(
    own.port,
    rawRequest({ path: chat, headers: [json], body: large }),
  )
  expect([status, got]).toEqual([200, large.length])
  expect(own.records).toMatchObject([{ tokens: { input: 3, output: 2 } }])
  expect(reply.length).toBeGreaterThan(0)
  sink.close()
  sink.closeAllConnections()
})

test('too long a body is refused by its length, and by what comes of it', async () => {
  await using small = await startGateway(upstream.url, {
    maxBodyBytes: 1000,
    maxBytesInFlight: 1500,
  })
  const head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  const stated = await rawCall(small.port, `${head}Content-Length: 1001\r\n\r\n`)
  expect(stated.status).toBe(413)
  const chunked = await rawCall(
    small.port,
    `${head}Transfer-Encoding: chunked\r\n\r\n3e9\r\n${'a'.repeat(1001)}\r\n0\r\n\r\n`,
  )
  expect(chunked.status).toBe(413)
  // Another one holds most of what all may.
  const holding = connect(small.port, '127.0.0.1')
  holding.write(`${head}Content-Length: 900\r\n\r\n${'a'.repeat(800)}`)
  while (small.gateway.stats().bytesInFlight < 800)
    await new Promise((resolve) => setTimeout(resolve, 5))
  const busy = await rawCall(small.port, `${head}Content-Length: 900\r\n\r\n`)
  expect(busy.status).toBe(503)
  expect(headerOf(busy, 'retry-after')).toBe('1')
  holding.destroy()
  while (small.gateway.stats().bytesInFlight > 0)
    await new Promise((resolve) => setTimeout(resolve, 5))
  expect(upstream.requests).toEqual([])
})

test('a body that stops coming is given up', async () => {
  await using own = await startGateway(upstream.url, { timeouts: { requestIdleMs: 50 } })
  const { status } = await rawCall(
    own.port,
    'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"mo',
  )
  expect(status).toBe(408)
})

test('a message that says twice how long it is is refused, by Node and by the gateway itself', async () => {
  const smuggled =
    'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n'
  expect((await rawCall(running.port, smuggled)).status).toBe(400)
  await using lenient = await startGateway(upstream.url, {
    createServer: () => createServer({ insecureHTTPParser: true }),
  })
  expect((await rawCall(lenient.port, smuggled)).status).toBe(400)
  const twice = smuggled.replace('Transfer-Encoding: chunked', 'Content-Length: 6')
  expect((await rawCall(lenient.port, twice)).status).toBe(400)
  expect(upstream.requests).toEqual([])
})

test('a file streams through, of any length, and so does the model of a form', async () => {
  const boundary = 'xyz'
  const part = (name: string, value: string | Buffer, file = '') =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`),
      Buffer.from(value as string),
      Buffer.from('\r\n'),
    ])
  const form = (...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)])
  const type = ['Content-Type', `multipart/form-data; boundary=${boundary}`] as const
  await using small = await startGateway(upstream.url, { maxBodyBytes: 2000 })
  const file = form(
    part('purpose', 'batch'),
    part('file', Buffer.alloc(100_000, 1), '; filename="a"'),
  )
  const sent = rawRequest({ path: '/openai/v1/files', headers: [type], body: file })
  expect((await rawCall(small.port, sent)).status).toBe(200)
  expect(upstream.requests[0]?.body.equals(file)).toBe(true)
  expect(await small.entry(1)).toMatchObject({ bytesIn: file.length, status: 200 })
  const audio = form(
    part('file', Buffer.from([255, 0, 1]), '; filename="a.wav"'),
    part('model', 'whisper-1'),
  )
  const count = running.entries.length
  await send('/openai/v1/audio/transcriptions', [type], { body: audio })
  expect(upstream.requests[1]?.body.equals(audio)).toBe(true)
  expect(await running.entry(count + 1)).toMatchObject({ model: 'whisper-1' })
  const twice = form(part('model', 'a'), part('model', 'b'))
  expect((await send('/openai/v1/audio/transcriptions', [type], { body: twice })).status).toBe(400)
})
