import { afterAll, beforeEach, expect, test } from 'vitest'
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

test('what asks for HTTP/2 by the way is a request like any other', async () => {
  await using own = await startGateway(upstream.url)
  await using listening = await own.gateway.listen({ port: 0 })
  const port = Number(new URL(listening.url).port)
  const headers = [
    json,
    ['Connection', 'Upgrade, HTTP2-Settings'],
    ['Upgrade', 'h2c'],
    ['HTTP2-Settings', 'AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA'],
  ] as const
  const { status } = await rawCall(port, rawRequest({ path: chat, headers, body }))
  expect(status).toBe(200)
  const names = upstream.requests[0]?.headers.map(([name]) => name.toLowerCase())
  expect(names).not.toContain('upgrade')
  expect(names).not.toContain('http2-settings')
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
