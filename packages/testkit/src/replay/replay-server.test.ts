import { afterEach, beforeEach, expect, test } from 'vitest'
import { recordings } from '../internal/recordings.ts'
import { sharedFolder } from '../internal/shared-folder.ts'
import { startReplayServer, type ReplayServer } from './replay-server.ts'

let server: ReplayServer
beforeEach(async () => {
  server = await startReplayServer()
})
afterEach(() => server.close())

const post = (path: string, body: unknown, init: RequestInit = {}) =>
  fetch(server.url + path, { method: 'POST', body: JSON.stringify(body), ...init })

const chat = [
  { id: 'c', choices: [{ index: 0, delta: { content: 'he' } }] },
  { id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { id: 'c', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } },
]

test('a JSON reply has a request id, and the request is recorded', async () => {
  server.serve({ answer: 42 }, { headers: { 'retry-after': '7' } })
  const response = await post('/v1/things?x=1', { hello: 'world' })
  expect(await response.json()).toEqual({ answer: 42 })
  expect(response.headers.get('x-request-id')).toBe('req_1')
  expect(response.headers.get('retry-after')).toBe('7')
  expect(server.requests[0]).toMatchObject({
    method: 'POST',
    path: '/v1/things',
    url: '/v1/things?x=1',
    body: { hello: 'world' },
    rawBody: '{"hello":"world"}',
    closedEarly: false,
  })
})

test('chat scripts carry usage only when the request asks for it', async () => {
  server.serve(chat, { times: 2 })
  const plain = await (await post('/v1/chat/completions', { stream: true })).text()
  expect(plain).not.toContain('usage')
  expect(plain.match(/data: /g)).toHaveLength(3)
  expect(plain).not.toContain('event:')
  expect(plain.endsWith('data: [DONE]\n\n')).toBe(true)
  const asked = await post('/v1/chat/completions', { stream_options: { include_usage: true } })
  const lines = (await asked.text()).split('\n\n')
  expect(lines[0]).toContain('"usage":null')
  expect(lines[1]).toContain('"usage":null')
  expect(lines[2]).toContain('"usage":{"prompt_tokens":3')
  expect(server.requests.map((request) => request.eventsSent)).toEqual([2, 3])
})

test('typed events are named and have no [DONE]', async () => {
  server.serve([{ type: 'response.created' }, { type: 'response.completed' }])
  const text = await (await post('/v1/responses', {})).text()
  expect(text).toBe(
    'event: response.created\ndata: {"type":"response.created"}\n\n' +
      'event: response.completed\ndata: {"type":"response.completed"}\n\n',
  )
})

test('replies go to the paths they are for, in order, and then run out', async () => {
  server.serve({ first: true }, { path: '/b' })
  server.serve({ second: true })
  expect(await (await post('/a', {})).json()).toEqual({ second: true })
  expect(await (await post('/b', {})).json()).toEqual({ first: true })
  const refused = await post('/b', {})
  expect(refused.status).toBe(404)
  expect(await refused.text()).toContain('Nothing was queued for POST /b')
})

test('a cut stream delivers the events before the cut and then breaks', async () => {
  server.serve(chat, { cutAfterEvents: 1 })
  const response = await post('/v1/chat/completions', {})
  let text = ''
  const read = async () => {
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) text += part
  }
  await expect(read()).rejects.toThrow()
  expect(text).toContain('"he"')
  expect(text).not.toContain('stop')
  expect(server.requests[0]).toMatchObject({ eventsSent: 1, closedEarly: false })
})

test('a body can be cut or left hanging too', async () => {
  server.serve({}, { cutAfterEvents: 0 })
  await expect(post('/a', {})).rejects.toThrow()
  server.serve({}, { hangAfterEvents: 0 })
  await expect(post('/a', {}, { signal: AbortSignal.timeout(50) })).rejects.toThrow()
})

test('a client that hangs up is seen', async () => {
  server.serve(chat, { hangAfterEvents: 2 })
  const controller = new AbortController()
  const response = await post('/v1/chat/completions', {}, { signal: controller.signal })
  await response.body!.getReader().read()
  controller.abort()
  await server.requests[0]!.closed
  expect(server.requests[0]!.closedEarly).toBe(true)
})

test('gaps, statuses, bytes and functions', async () => {
  server.serve([{ a: 1 }, { a: 2 }], { gapMs: 60 })
  const began = performance.now()
  await (await post('/a', {})).text()
  expect(performance.now() - began).toBeGreaterThan(50)
  server.serve({ error: { message: 'busy' } }, { status: 503 })
  expect((await post('/a', {})).status).toBe(503)
  server.serve(new Uint8Array([1, 2, 3]), { headers: { 'content-type': 'audio/mpeg' } })
  const audio = await post('/audio/speech', {})
  expect(audio.headers.get('content-type')).toBe('audio/mpeg')
  expect((await audio.arrayBuffer()).byteLength).toBe(3)
  server.serve((request) => ({ echo: request.body }))
  expect(await (await post('/a', { x: 1 })).json()).toEqual({ echo: { x: 1 } })
})

test.skipIf(sharedFolder() === undefined)('every recording is served whole', async () => {
  expect(recordings().length).toBeGreaterThan(100)
  for (const recording of recordings()) {
    server.serve(recording.file)
    const response = await post(`/v1/${recording.endpoint}`, {})
    const text = await response.text()
    if (recording.stream) expect(text.startsWith('data: ') || text.startsWith('event: ')).toBe(true)
    else expect(() => JSON.parse(text)).not.toThrow()
  }
  const streamed = recordings().find(({ endpoint, stream }) => endpoint === 'completions' && stream)
  server.serve(streamed!.file)
  const text = await (await post('/v1/completions', {})).text()
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
})
