import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type Caller, type CallerKeys, GatewayRefusal } from '../src/index.ts'
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
