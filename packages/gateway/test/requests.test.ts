import { createServer } from 'node:http'
import { connect } from 'node:net'
import zlib from 'node:zlib'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { Caller, CallerKeys } from '../src/index.ts'
import { GatewayRefusal } from '../src/index.ts'
import { headerOf, rawCall, rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway, upstreamKey } from './running.ts'

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const answer = Buffer.from(JSON.stringify({ id: 'c', model: 'gpt-5', choices: [], usage }))
const upstream = await startRawUpstream((socket) =>
  socket.write(rawReply(answer, [['Content-Type', 'application/json']])),
)
const running = await startGateway(upstream.url, {
  upstreams: {
    openai: { baseUrl: upstream.url, apiKey: upstreamKey, headers: { 'X-Fixed': 'ours' } },
    anthropic: { baseUrl: upstream.url, apiKey: upstreamKey },
    gemini: { baseUrl: upstream.url, apiKey: upstreamKey },
    versioned: { baseUrl: `${upstream.url}/v1`, apiKey: upstreamKey },
    groq: { baseUrl: `${upstream.url}/openai/`, apiKey: upstreamKey },
    azure: { baseUrl: upstream.url, apiKey: upstreamKey, auth: 'api-key' },
    vertex: { baseUrl: upstream.url, auth: 'caller', dialect: 'gemini' },
  },
})
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

test('headers reach the upstream as they came, but for credentials and what is of one connection', async () => {
  await send(chat, [
    ['X-Custom', 'b'],
    ['authorization', 'Bearer tm-key'],
    ['X-CUSTOM', 'a, c'],
    ['OpenAI-Organization', 'org-1'],
    ['openai-project', 'proj-1'],
    ['Accept-Encoding', 'br;q=0.1'],
    json,
    ['x-fixed', 'theirs'],
    ['X-Token-Meter-Anything', 'x'],
    ['Stripe-Customer-Id', 'cus_7'],
    ['x-stripe-customer-id', 'cus_7'],
    ['Keep-Alive', 'timeout=1'],
    ['TE', 'trailers'],
    ['Proxy-Authorization', 'Basic secret'],
    ['Connection', 'close, X-Hop, authorization, x-fixed'],
    ['X-Hop', 'dropped'],
    ['User-Agent', 'caf\u00e9/1'],
    ['anthropic-beta', 'one'],
    ['Anthropic-Beta', 'two'],
  ])
  expect(upstream.requests[0]?.headers.filter(([name]) => name !== 'connection')).toEqual([
    ['host', `127.0.0.1:${upstream.port}`],
    ['X-Custom', 'b'],
    ['authorization', `Bearer ${upstreamKey}`],
    ['X-CUSTOM', 'a, c'],
    ['Accept-Encoding', 'br;q=0.1'],
    ['Content-Type', 'application/json'],
    ['x-fixed', 'ours'],
    ['User-Agent', 'caf\u00e9/1'],
    ['anthropic-beta', 'one'],
    ['Anthropic-Beta', 'two'],
    ['content-length', String(body.length)],
  ])
})

test.each([
  ['authorization', 'Bearer tm-secret'],
  ['x-api-key', 'tm-secret'],
  ['api-key', 'tm-secret'],
  ['x-goog-api-key', 'tm-secret'],
  ['x-token-meter-key', 'tm-secret'],
])('a key in %s goes to no upstream, whatever its own header is', async (name, value) => {
  for (const path of [
    chat,
    '/anthropic/v1/messages',
    '/gemini/v1beta/models/gemini-3:generateContent',
    '/azure/openai/deployments/gpt-5/chat/completions?api-version=2025-01-01',
  ]) {
    await send(path, [[name, value], json])
  }
  const all = upstream.requests.map(({ first, headers }) => [first, ...headers.flat()].join('\n'))
  expect(all).toHaveLength(4)
  for (const text of all) {
    expect(text).not.toContain('tm-secret')
    expect(text.split(upstreamKey)).toHaveLength(2)
  }
  expect(upstream.requests.map((each) => headerOf(each, 'authorization'))).toEqual([
    `Bearer ${upstreamKey}`,
    undefined,
    undefined,
    undefined,
  ])
})

test('a key in the query is taken out of it, and the rest of the query stays as it was written', async () => {
  await send(
    '/v1beta/models/gemini-3:generateContent?alt=s%73e&key=tm-secret&%6bey=tm-secret&x=%2F+',
    [json],
  )
  expect(upstream.requests[0]?.first).toBe(
    'POST /v1beta/models/gemini-3:generateContent?alt=s%73e&x=%2F+ HTTP/1.1',
  )
  expect(headerOf(upstream.requests[0] as never, 'x-goog-api-key')).toBe(upstreamKey)
})

test("with auth 'caller' the caller's credential passes, and the gateway's key does not", async () => {
  await send('/vertex/v1/projects/p/locations/l/publishers/google/models/g:generateContent', [
    ['Authorization', 'Bearer ya29.theirs'],
    ['X-Token-Meter-Key', 'tm-secret'],
    ['OpenAI-Organization', 'org-1'],
    ['x-api-key', 'tm-secret'],
    json,
  ])
  const text = JSON.stringify(upstream.requests[0]?.headers)
  expect(text).toContain('Bearer ya29.theirs')
  expect(text).toContain('org-1')
  expect(text).not.toContain('tm-secret')
  expect(text).not.toContain(upstreamKey)
})

test.each([
  ['/openai/v1/chat/completions', '/v1/chat/completions'],
  ['/v1/chat/completions', '/v1/chat/completions'],
  ['/chat/completions', '/v1/chat/completions'],
  ['/responses', '/v1/responses'],
  ['/embeddings/', '/v1/embeddings/'],
  ['/versioned/v1/chat/completions', '/v1/chat/completions'],
  ['/versioned/chat/completions', '/v1/chat/completions'],
  ['/groq/v1/chat/completions', '/openai/v1/chat/completions'],
  [
    '/azure/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21',
    '/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21',
  ],
  ['/gemini/v1beta/openai/chat/completions', '/v1beta/openai/chat/completions'],
  ['/v1/messages?beta=true', '/v1/messages?beta=true'],
])('%s goes to %s', async (path, expected) => {
  await send(path, [json])
  expect(upstream.requests.map(({ first }) => first)).toEqual([`POST ${expected} HTTP/1.1`])
})

test.each([
  [['x-api-key', 'k'], 'anthropic'],
  [['anthropic-version', '2023-06-01'], 'anthropic'],
  [['x-goog-api-key', 'k'], 'gemini'],
  [['authorization', 'Bearer k'], 'openai'],
] as const)('GET /v1/models with %s is asked of %s', async (header, expected) => {
  const count = running.entries.length
  await rawCall(running.port, rawRequest({ method: 'GET', path: '/v1/models', headers: [header] }))
  expect(await running.entry(count + 1)).toMatchObject({ upstream: expected, status: 200 })
})

test.each([
  '/openai/v1/../v1/chat/completions',
  '/openai/v1/%2e%2e/chat/completions',
  '/openai/v1/.%2E/chat/completions',
  '/openai/v1//chat/completions',
  '/openai/v1/files/a%2f..%2fb',
  '/openai/v1/files/a%5cb',
  '/openai/v1/files/%252e%252e',
  '/openai/v1/files/a\\b',
  '/openai/v1/chat/./completions',
  '/openai/v1/chat/completions#x',
  '/openai/v1/files/%00',
  '/openai/v1/files/%zz',
  'http://evil.test/openai/v1/chat/completions',
  '*',
])('%s is refused', async (path) => {
  const { status } = await send(path, [json])
  expect(status).toBe(400)
  expect(upstream.requests).toEqual([])
})

test('CONNECT is refused, and so is another host', async () => {
  const raw = await rawCall(running.port, 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(raw.status).toBe(400)
  await using own = await startGateway(upstream.url)
  await using listening = await own.gateway.listen({ port: 0 })
  const port = Number(new URL(listening.url).port)
  const { status } = await rawCall(
    port,
    'CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n',
  )
  expect(status).toBe(400)
})

test.each([
  ['/openai/v1/files', 'GET', 403],
  ['/openai/v1/batches?limit=1', 'GET', 403],
  ['/openai/v1/organization/usage', 'GET', 403],
  ['/openai/v1/organization/admin_api_keys', 'POST', 403],
  ['/openai/v1/realtime/client_secrets', 'POST', 403],
  ['/openai/v1/realtime/sessions/', 'POST', 403],
  ['/anthropic/v1/organizations/x', 'GET', 403],
  ['/anthropic/v1/messages/batches', 'GET', 403],
  ['/gemini/v1alpha/auth_tokens', 'POST', 403],
  ['/gemini/v1beta/files', 'GET', 403],
  ['/gemini/v1beta/cachedContents?pageSize=2', 'GET', 403],
  ['/nobody/v1/models', 'GET', 404],
  ['/', 'GET', 404],
])('%s %s is answered %i, and asks nobody', async (path, method, expected) => {
  const { status } = await send(path, [json], { method })
  expect(status).toBe(expected)
  expect(upstream.requests).toEqual([])
})

const caller: Caller = {
  keyId: 'k1',
  userId: null,
  teamId: null,
  customer: 'cus_k',
  mayName: new Set(),
  models: undefined,
  allowUnknown: false,
  stripeHeaders: false,
  pools: [],
  metadata: {},
}

function keysOf(own: Partial<Caller> = {}): CallerKeys {
  return {
    authenticate(presented) {
      if (presented === 'tm-right') return { ...caller, ...own }
      throw new GatewayRefusal(401, 'unauthorized', 'this key is not known')
    },
    enter: () => ({ leave: () => {} }),
  }
}

const right = ['authorization', 'Bearer tm-right'] as const

describe('with keys', () => {
  test('what nobody knows needs a key that may ask it, and is counted', async () => {
    await using closed = await startGateway(upstream.url, { keys: keysOf() })
    const request = rawRequest({
      path: '/openai/v1/vector_stores',
      headers: [right, json],
      body: '{}',
    })
    expect((await rawCall(closed.port, request)).status).toBe(403)
    expect(upstream.requests).toEqual([])
    await using open = await startGateway(upstream.url, { keys: keysOf({ allowUnknown: true }) })
    expect((await rawCall(open.port, request)).status).toBe(200)
    expect(await open.entry(1)).toMatchObject({ unmetered: true, keyId: 'k1' })
    expect(open.gateway.stats().unmetered).toBe(1)
  })

  test('models of a key are all that it may ask, wherever they are named', async () => {
    await using own = await startGateway(upstream.url, {
      keys: keysOf({ models: new Set(['gpt-5', 'gemini-3']) }),
    })
    const ask = async (path: string, sent: string | undefined, type = json) => {
      const headers = [right, ...(sent === undefined ? [] : [type])]
      return (await rawCall(own.port, rawRequest({ path, headers, ...(sent && { body: sent }) })))
        .status
    }
    expect(await ask(chat, '{"model":"gpt-5"}')).toBe(200)
    expect(await ask('/gemini/v1beta/models/gemini-3:generateContent', '{}')).toBe(200)
    expect(await ask(chat, '{"model":"gpt-9"}')).toBe(403)
    expect(await ask(chat, '{"messages":[]}')).toBe(403)
    expect(await ask(chat, '{"model":"gpt-5","models":["gpt-5","gpt-9"]}')).toBe(403)
    expect(await ask(chat, '{"model":"gpt-5","tools":[{"model":"gpt-9"}]}')).toBe(403)
    expect(await ask('/gemini/v1beta/models/gemini-9:generateContent', '{}')).toBe(403)
    expect(await ask('/openai/deployments/gpt-9/chat/completions', '{"model":"gpt-5"}')).toBe(403)
    expect(
      await ask('/anthropic/v1/messages/batches', '{"requests":[{"params":{"model":"gpt-9"}}]}'),
    ).toBe(403)
    expect(await ask('/openai/v1/batches', '{"input_file_id":"file-1"}')).toBe(403)
    expect(upstream.requests).toHaveLength(2)
  })

  test('nothing of a request is read before its key is known', async () => {
    await using own = await startGateway(upstream.url, { keys: keysOf() })
    const head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n'
    const wrong = await rawCall(own.port, `${head}Authorization: Bearer tm-wrong\r\n\r\n`)
    expect(wrong.status).toBe(401)
    expect(JSON.parse(wrong.body.toString())).toMatchObject({
      error: { type: 'authentication_error', code: 'unauthorized' },
    })
  })

  test('100 comes once the key is known, and before the body', async () => {
    await using own = await startGateway(upstream.url, { keys: keysOf() })
    const head = (key: string) =>
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n` +
      `Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`
    const refused = await rawCall(own.port, head('tm-wrong'))
    expect(refused).toMatchObject({ status: 401, interim: [] })
    expect(headerOf(refused, 'connection')).toBe('close')
    const passed = await rawCall(own.port, (socket) => {
      socket.write(head('tm-right'))
      socket.once('data', (piece: Buffer) => {
        expect(piece.toString()).toContain('100 Continue')
        socket.write(body)
      })
    })
    expect(passed).toMatchObject({ status: 200, interim: [{ first: 'HTTP/1.1 100 Continue' }] })
    expect(headerOf(upstream.requests.at(-1) as never, 'expect')).toBeUndefined()
  })
})

test('two keys that differ are refused, and so is a signature of AWS', async () => {
  const two = await send(chat, [right, ['x-api-key', 'tm-other'], json])
  expect(two.status).toBe(401)
  const signed = await send(chat, [
    ['Authorization', 'AWS4-HMAC-SHA256 Credential=AKIA/20261130/us-east-1/bedrock/aws4_request'],
    json,
  ])
  expect(signed.status).toBe(400)
  expect(signed.body.toString()).toContain('API key of Amazon Bedrock')
  expect(upstream.requests).toEqual([])
})

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
    const text = '{"model":"gpt-5","stream":true,"messages":[],"user":"cus_enc"}'
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

test('pages of the web reach a gateway without keys only from where they may', async () => {
  const page = ['Origin', 'https://evil.test'] as const
  expect((await send(chat, [json, page])).status).toBe(403)
  expect(upstream.requests).toEqual([])
  await using own = await startGateway(upstream.url, { cors: { origins: ['https://app.test'] } })
  const headers = [json, ['Origin', 'https://app.test'] as const]
  const passed = await rawCall(own.port, rawRequest({ path: chat, headers, body }))
  expect(headerOf(passed, 'access-control-allow-origin')).toBe('https://app.test')
  const preflight = await rawCall(
    own.port,
    rawRequest({
      method: 'OPTIONS',
      path: chat,
      headers: [
        ['Origin', 'https://app.test'],
        ['Access-Control-Request-Headers', 'x-api-key'],
      ],
    }),
  )
  expect(preflight.status).toBe(204)
  expect(headerOf(preflight, 'access-control-allow-headers')).toBe('x-api-key')
  const plain = await send(chat, [page], { method: 'OPTIONS' })
  expect(headerOf(plain, 'access-control-allow-origin')).toBeUndefined()
  expect(upstream.requests).toHaveLength(1)
})

test('a gateway below a path answers there alone', async () => {
  await using own = await startGateway(upstream.url, { basePath: '/llm' })
  const ask = async (path: string) =>
    (await rawCall(own.port, rawRequest({ path, headers: [json], body }))).status
  expect(await ask('/llm/v1/chat/completions')).toBe(200)
  expect(await ask('/v1/chat/completions')).toBe(404)
  expect(await ask('/llmx/v1/chat/completions')).toBe(404)
})
