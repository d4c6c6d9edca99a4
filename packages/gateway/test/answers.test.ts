import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import {
  comparable,
  headerOf,
  rawCall,
  rawReply,
  rawRequest,
  type RawUpstream,
  startRawUpstream,
} from './raw.ts'
import { encoded, encodedEvents, encodings } from './recorded.ts'
import { type Running, startGateway } from './running.ts'

const json = ['Content-Type', 'application/json'] as const
const events = ['Content-Type', 'text/event-stream'] as const
const chat = '/openai/v1/chat/completions'
const messages = '"messages":[{"role":"user","content":"how are you today?"}]'
const asked = `{"model":"gpt-5",${messages}}`
const streamed = `{"model":"gpt-5","stream":true,${messages}}`
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }

/** An upstream that says this, and a gateway before it. */
async function answering(
  reply: Buffer | ((socket: Socket, count: number) => void),
): Promise<{ upstream: RawUpstream; running: Running } & AsyncDisposable> {
  const upstream = await startRawUpstream((socket, _, count) => {
    if (Buffer.isBuffer(reply)) socket.write(reply)
    else reply(socket, count)
  })
  const running = await startGateway(upstream.url)
  return {
    upstream,
    running,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

const event = (data: object | string) =>
  Buffer.from(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)

/** As OpenAI streams it where it is asked for usage, and where it is not. */
const chunk = { id: 'c', object: 'chat.completion.chunk', model: 'gpt-5-2026' }
const choice = (delta: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason }],
})
const unasked = [
  event({ ...chunk, ...choice({ role: 'assistant', content: '' }) }),
  event({ ...chunk, ...choice({ content: 'he' }) }),
  event({ ...chunk, ...choice({ content: 'llo \u00e9' }) }),
  event({ ...chunk, ...choice({}, 'stop') }),
  event('[DONE]'),
]
const withUsage = [
  event({ ...chunk, ...choice({ role: 'assistant', content: '' }), usage: null }),
  event({ ...chunk, ...choice({ content: 'he' }), usage: null }),
  event({ ...chunk, ...choice({ content: 'llo \u00e9' }), usage: null }),
  event({ ...chunk, ...choice({}, 'stop'), usage: null }),
  event({ ...chunk, choices: [], usage }),
  event('[DONE]'),
]

describe('a redirect, an answer without a body, what is odd', () => {
  test.each([
    ['a redirect', '307 Temporary Redirect', [['Location', 'https://elsewhere.test/x']], 'moved'],
    [
      'an error',
      '429 Slow Down',
      [
        ['Retry-After', '7'],
        ['retry-after-ms', '7000'],
      ],
      '{"e":1}',
    ],
    ['a status of its own', '529 Overloaded', [], '{}'],
    ['no reason', '418 ', [], '{}'],
  ] as const)('%s passes as it is', async (_, status, headers, body) => {
    await using run = await answering(
      rawReply(Buffer.from(body), [json, ...headers, ['Date', 'x']], status),
    )
    const request = rawRequest({ path: chat, headers: [json], body: asked })
    const through = comparable(await rawCall(run.running.port, request))
    expect(through).toEqual(comparable(await rawCall(run.upstream.port, request)))
    expect(through.isWhole).toBe(true)
    expect(run.running.records).toEqual([])
  })

  test.each([
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-A: 1\r\n\r\n'],
    ['204', 'DELETE', 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n'],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'],
  ])('%s', async (_, method, reply) => {
    await using run = await answering(Buffer.from(reply))
    const request = rawRequest({ method, path: '/openai/v1/things/thing-1' })
    const through = await rawCall(run.running.port, request, true)
    expect(comparable(through)).toEqual(comparable(await rawCall(run.upstream.port, request, true)))
    expect(headerOf(through, 'transfer-encoding')).toBeUndefined()
  })

  test('interim answers and trailers are passed on, and what announces them', async () => {
    const reply =
      'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nContent-Type: application/json\r\n\r\n' +
      '2\r\n{}\r\n0\r\nX-Sum: 7\r\nX-Other: 8\r\n\r\n'
    await using run = await answering(Buffer.from(reply))
    const request = rawRequest({ path: chat, headers: [json], body: asked })
    const through = await rawCall(run.running.port, request)
    expect(comparable(through)).toEqual(comparable(await rawCall(run.upstream.port, request)))
    expect(through.trailers).toEqual([
      ['X-Sum', '7'],
      ['X-Other', '8'],
    ])
    expect(through.interim.map(({ first }) => first)).toEqual(['HTTP/1.1 103 Early Hints'])
  })

  test("what lets web pages read an answer is the gateway's to say", async () => {
    const open = ['Access-Control-Allow-Origin', '*'] as const
    await using run = await answering(rawReply(Buffer.from('{}'), [json, open]))
    const request = rawRequest({ path: chat, headers: [json], body: asked })
    const through = await rawCall(run.running.port, request)
    expect(headerOf(through, 'access-control-allow-origin')).toBeUndefined()
  })

  test('an answer has the id of its request, and no other that an upstream has', async () => {
    const other = ['X-Token-Meter-Request-Id', 'theirs'] as const
    await using run = await answering(rawReply(Buffer.from('{}'), [json, other]))
    const request = rawRequest({ path: chat, headers: [json], body: asked })
    const through = await rawCall(run.running.port, request)
    const ids = through.headers.filter(
      ([name]) => name.toLowerCase() === 'x-token-meter-request-id',
    )
    expect(ids).toEqual([['x-token-meter-request-id', (await run.running.entry(1)).id]])
  })
})

describe('usage that the gateway asked for', () => {
  test.each(encodings)('is taken out again, of what comes in %s all the same', async (encoding) => {
    const pieces = await encodedEvents(withUsage, encoding)
    const coded = encoding === 'identity' ? [] : [['Content-Encoding', encoding] as const]
    const digests = [
      ['ETag', '"x"'],
      ['Content-MD5', 'abc'],
      ['X-Other', '1'],
    ] as const
    await using run = await answering(rawReply(pieces, [events, ...coded, ...digests]))
    const accepts = ['Accept-Encoding', 'gzip, br'] as const
    const request = rawRequest({ path: chat, headers: [json, accepts], body: streamed })
    const through = await rawCall(run.running.port, request)
    expect(through.body.toString()).toBe(
      Buffer.concat(unasked).toString().replaceAll(',"usage":null', ''),
    )
    expect(through.isWhole).toBe(true)
    expect(
      through.headers.map(([name]) => name.toLowerCase()).filter((name) => !framing.has(name)),
    ).toEqual(['content-type', 'x-other', 'x-token-meter-request-id'])
    const [sent] = run.upstream.requests
    expect(headerOf(sent as never, 'accept-encoding')).toBe('identity')
    expect(sent?.body.toString()).toContain('"include_usage":true')
    expect(run.running.records).toMatchObject([
      { tokens: { input: 3, output: 2 }, outcome: 'complete' },
    ])
  })

  test('what is refused for it is sent once more as it came, and then not asked again', async () => {
    const refusal = '{"error":{"message":"Unknown field: stream_options"}}'
    await using run = await answering((socket, count) => {
      const isFirst = count === 1
      socket.write(
        isFirst
          ? rawReply(
              encoded(Buffer.from(refusal), 'gzip'),
              [json, ['Content-Encoding', 'gzip']],
              '400 Bad Request',
            )
          : rawReply(unasked, [events]),
      )
    })
    const request = rawRequest({
      path: chat,
      headers: [json],
      body: streamed.replace('gpt-5', 'm-refused'),
    })
    const first = await rawCall(run.running.port, request)
    expect(first.body.equals(Buffer.concat(unasked))).toBe(true)
    await rawCall(run.running.port, request)
    const bodies = run.upstream.requests.map(({ body }) =>
      body.toString().includes('include_usage'),
    )
    expect(bodies).toEqual([true, false, false])
    expect(run.running.records).toMatchObject([{ outcome: 'estimated' }, { outcome: 'estimated' }])
  })

  test('another refusal passes, once, and as it came', async () => {
    const said = Buffer.from('{"error":{"message":"max_tokens is too large"}}')
    await using run = await answering(rawReply(said, [json], '400 Bad Request'))
    const request = rawRequest({ path: chat, headers: [json], body: streamed })
    const through = comparable(await rawCall(run.running.port, request))
    expect(through.body).toBe(said.toString())
    expect(run.upstream.requests).toHaveLength(1)
    expect(run.running.records).toEqual([])
  })
})

const framing = new Set(['connection', 'keep-alive', 'transfer-encoding'])

describe('an upstream that breaks off', () => {
  test.each([...withUsage.keys(), withUsage.length])(
    'behind %i events breaks the caller off, behind the same bytes',
    async (count) => {
      const head = rawReply([], [events]).toString('latin1').replace('0\r\n\r\n', '')
      await using run = await answering((socket) => {
        socket.write(head)
        for (const each of unasked.slice(0, count)) {
          socket.write(`${each.length.toString(16)}\r\n${each.toString('latin1')}\r\n`, 'latin1')
        }
        socket.write('', () => socket.destroy())
      })
      const options = `{"model":"gpt-5","stream":true,"stream_options":{"include_usage":true},${messages}}`
      const request = rawRequest({ path: chat, headers: [json], body: options })
      const through = await rawCall(run.running.port, request)
      expect(through.isWhole).toBe(false)
      expect(through.body.equals(Buffer.concat(unasked.slice(0, count)))).toBe(true)
      expect(await run.running.entry(1)).toMatchObject({ outcome: 'upstream_failed', status: 200 })
      expect(run.running.records).toHaveLength(1)
      expect(run.running.records[0]?.outcome).not.toBe('complete')
    },
  )

  test('within a body of a length breaks the caller off too', async () => {
    const whole = rawReply(Buffer.from(JSON.stringify({ ...chunk, choices: [], usage })), [json])
    await using run = await answering((socket) => {
      socket.write(whole.subarray(0, -10), () => socket.destroy())
    })
    const through = await rawCall(
      run.running.port,
      rawRequest({ path: chat, headers: [json], body: asked }),
    )
    expect(through.isWhole).toBe(false)
  })

  test('with what is no answer, or none, is answered 502, and the call is not sent again', async () => {
    await using run = await answering((socket) => socket.destroy())
    const through = await rawCall(
      run.running.port,
      rawRequest({ path: chat, headers: [json], body: asked }),
    )
    expect(through.status).toBe(502)
    expect(run.upstream.requests).toHaveLength(1)
    expect(await run.running.entry(1)).toMatchObject({
      outcome: 'refused',
      refusal: 'upstream_failed',
    })
    expect(run.running.records).toEqual([])
  })

  test('a caller of HTTP/1.0 gets no clean end either', async () => {
    await using run = await answering((socket) => {
      socket.write(rawReply([], [events]).toString('latin1').replace('0\r\n\r\n', ''))
      socket.write('8\r\ndata: 1\n\r\n', () => setTimeout(() => socket.destroy(), 50))
    })
    const socket = connect(run.running.port, '127.0.0.1')
    socket.write(
      rawRequest({ path: chat, headers: [json], body: streamed })
        .toString()
        .replace('HTTP/1.1', 'HTTP/1.0'),
    )
    socket.resume()
    const ended = await new Promise((resolve) => {
      socket.once('end', () => resolve('clean')).once('error', (error) => resolve(error))
    })
    expect(ended).toMatchObject({ code: 'ECONNRESET' })
  })
})

test('no connection is 502, tried twice, and nothing is recorded', async () => {
  const { port } = await (async () => {
    await using closed = await startRawUpstream(() => {})
    return { port: closed.port }
  })()
  await using running = await startGateway(`http://127.0.0.1:${port}`)
  const tries: unknown[] = []
  const note = (message: unknown) => void tries.push(message)
  subscribe('undici:client:connectError', note)
  const through = await rawCall(
    running.port,
    rawRequest({ path: chat, headers: [json], body: asked }),
  )
  unsubscribe('undici:client:connectError', note)
  expect(through.status).toBe(502)
  expect(tries).toHaveLength(2)
  expect(running.records).toEqual([])
  expect(running.faults).toEqual([])
})
