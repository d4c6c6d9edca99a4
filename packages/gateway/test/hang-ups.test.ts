import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { abortsStreams } from '../src/exchange/client-gone.ts'
import type { GatewayOptions } from '../src/index.ts'
import { rawCall, rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway } from './running.ts'

const json = ['Content-Type', 'application/json'] as const
const messages = '"messages":[{"role":"user","content":"how are you today?"}]'

const event = (data: object | string) =>
  `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const chunk = { id: 'c', object: 'chat.completion.chunk', model: 'gpt-5-2026' }
const choice = (delta: object, finish_reason: string | null = null) => ({
  ...chunk,
  choices: [{ index: 0, delta, finish_reason }],
})
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const events = [
  event(choice({ role: 'assistant', content: 'well' })),
  event(choice({ content: ', and' })),
  event(choice({ content: ' you?' })),
  event(choice({}, 'stop')),
  event({ ...chunk, choices: [], usage }),
  event('[DONE]'),
]
const request = rawRequest({
  path: '/openai/v1/chat/completions',
  headers: [json],
  body: `{"model":"gpt-5","stream":true,"stream_options":{"include_usage":true},${messages}}`,
})

/** A caller that hangs up once so many events have come; 0: before the head, -1: at the head. */
async function hangUp(count: number, options: Partial<GatewayOptions>) {
  const left = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  let sent = 0
  let isClosed = false
  await using upstream = await startRawUpstream(async (socket) => {
    socket.on('close', () => (isClosed = true))
    asked.resolve()
    if (count === 0) await left.promise
    socket.write(
      rawReply([], [['Content-Type', 'text/event-stream']])
        .toString()
        .replace('0\r\n\r\n', ''),
    )
    if (count < 0) await left.promise
    for (const each of events) {
      if (isClosed) return
      socket.write(`${Buffer.byteLength(each).toString(16)}\r\n${each}\r\n`)
      sent++
      if (sent === count) await left.promise
      await sleep(5)
    }
    socket.end('0\r\n\r\n')
  })
  await using running = await startGateway(upstream.url, options)
  const caller = connect(running.port, '127.0.0.1').on('error', () => {})
  caller.write(request)
  await asked.promise
  if (count !== 0) await received(caller, count < 0 ? 0 : count)
  caller.destroy()
  // It is seen by the gateway before anything more comes.
  await sleep(30)
  left.resolve()
  const entry = await running.entry(1)
  return { entry, records: running.records, sent, isClosed, errors: running.errors }
}

async function received(caller: Socket, count: number): Promise<void> {
  let text = ''
  await new Promise<void>((resolve) => {
    caller.on('data', (piece: Buffer) => {
      text += piece.toString()
      if (text.includes('\r\n\r\n') && text.split('data: ').length > count) resolve()
    })
  })
}

const moments = [0, -1, ...events.keys()].filter((count, index) => index < 2 || count > 0)

describe('a caller who hangs up', () => {
  test.each(moments)('after %i events of an upstream that bills all in any case', async (count) => {
    const { entry, records, sent } = await hangUp(count, {})
    expect(sent).toBe(events.length)
    expect(entry).toMatchObject({ outcome: 'client_gone', tokens: 5 })
    expect(records).toMatchObject([{ outcome: 'complete', tokens: { input: 3, output: 2 } }])
  })

  test.each(moments)('after %i events of an upstream that stops with it', async (count) => {
    const { entry, records, sent } = await hangUp(count, { onClientGone: 'abort' })
    expect(entry).toMatchObject({ outcome: 'client_gone' })
    expect(records).toHaveLength(1)
    const isDone = count >= 4
    expect(records[0]?.outcome === 'complete').toBe(isDone)
    expect(records[0]?.tokens.input).toBeGreaterThan(0)
    if (isDone) expect(records[0]?.tokens).toMatchObject({ input: 3, output: 2 })
    else expect(sent).toBeLessThan(4)
  })
})

test('hosts that stop to bill what is aborted are known by their names', async () => {
  const at = (baseUrl: string, option: 'auto' | 'drain' | 'abort' = 'auto') =>
    abortsStreams(
      {
        baseUrl,
        name: 'x',
        dialect: 'openai',
        auth: 'bearer',
        apiKey: 'k',
        headers: {},
        provider: 'openai',
      },
      option,
    )
  expect(at('https://api.openai.com/v1')).toBe(true)
  expect(at('https://me.openai.azure.com')).toBe(true)
  expect(at('https://api.anthropic.com')).toBe(true)
  expect(at('https://api.groq.com/openai')).toBe(false)
  expect(at('https://generativelanguage.googleapis.com')).toBe(false)
  expect(at('https://bedrock-runtime.us-east-1.amazonaws.com')).toBe(false)
  expect(at('https://llm.example.com')).toBe(false)
  expect(at('https://llm.example.com', 'abort')).toBe(true)
  expect(at('https://api.openai.com', 'drain')).toBe(false)
})

test('a whole answer is read to its end, whatever is said of streams', async () => {
  const left = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const answer = Buffer.from(JSON.stringify({ ...chunk, choices: [], usage }))
  await using upstream = await startRawUpstream(async (socket) => {
    asked.resolve()
    await left.promise
    socket.write(rawReply(answer, [json]))
  })
  await using running = await startGateway(upstream.url, { onClientGone: 'abort' })
  const caller = connect(running.port, '127.0.0.1')
  caller.write(
    rawRequest({
      path: '/v1/chat/completions',
      headers: [json],
      body: `{"model":"m",${messages}}`,
    }),
  )
  await asked.promise
  caller.destroy()
  await sleep(30)
  left.resolve()
  expect(await running.entry(1)).toMatchObject({ outcome: 'client_gone', status: 200, tokens: 5 })
  expect(running.records).toMatchObject([{ outcome: 'complete' }])
})

test('a whole answer that its caller does not take is read to its end', async () => {
  const content = 'y'.repeat(12 * 2 ** 20)
  const answer = Buffer.from(
    JSON.stringify({ ...chunk, choices: [{ index: 0, message: { content } }], usage }),
  )
  await using upstream = await startRawUpstream((socket) => socket.write(rawReply(answer, [json])))
  await using running = await startGateway(upstream.url, { timeouts: { idleMs: 300 } })
  const caller = connect(running.port, '127.0.0.1').on('error', () => {})
  caller.pause()
  caller.write(
    rawRequest({
      path: '/v1/chat/completions',
      headers: [json],
      body: `{"model":"m",${messages}}`,
    }),
  )
  expect(await running.entry(1)).toMatchObject({ outcome: 'client_gone', tokens: 5 })
  expect(running.records).toMatchObject([{ outcome: 'complete', tokens: { input: 3, output: 2 } }])
  caller.destroy()
})

test('nothing is sent for a caller who has left while its body came', async () => {
  await using upstream = await startRawUpstream(() => {})
  await using running = await startGateway(upstream.url)
  const caller = connect(running.port, '127.0.0.1')
  caller.write(request.subarray(0, -10))
  await sleep(30)
  caller.destroy()
  expect(await running.entry(1)).toMatchObject({ outcome: 'client_gone', status: null })
  expect(upstream.requests).toEqual([])
  await sleep(0)
  expect(running.gateway.stats()).toMatchObject({ underWay: 0, bytesInFlight: 0 })
})

test('what bills nothing is not read on', async () => {
  let isClosed = false
  await using upstream = await startRawUpstream((socket) => {
    socket.on('close', () => (isClosed = true))
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\nx')
  })
  await using running = await startGateway(upstream.url, { sharedObjects: ['file-1'] })
  const caller = connect(running.port, '127.0.0.1')
  caller.write(rawRequest({ method: 'GET', path: '/openai/v1/models/large' }))
  await received(caller, 0)
  caller.destroy()
  expect(await running.entry(1)).toMatchObject({ outcome: 'client_gone', status: 200 })
  while (!isClosed) await sleep(5)
})

describe('a gateway that ends', () => {
  const hanging = async (socket: Socket) => {
    const head = rawReply([], [['Content-Type', 'text/event-stream']]).toString()
    socket.write(head.replace('0\r\n\r\n', ''))
    socket.write(`${Buffer.byteLength(events[0] ?? '').toString(16)}\r\n${events[0]}\r\n`)
  }

  test('refuses what is new, waits for what is under way, and breaks the rest off', async () => {
    await using upstream = await startRawUpstream(hanging)
    await using running = await startGateway(upstream.url)
    const caller = connect(running.port, '127.0.0.1')
    caller.write(request)
    await received(caller, 1)
    const closed = running.gateway.close({ timeoutMs: 200 })
    const refused = await rawCall(running.port, request)
    expect(refused.status).toBe(503)
    expect(JSON.parse(refused.body.toString())).toMatchObject({ error: { code: 'shutting_down' } })
    await closed
    expect(running.entries.map(({ outcome }) => outcome)).toEqual(['refused', 'shut_down'])
    expect(running.records).toHaveLength(1)
    expect(running.records[0]?.outcome).not.toBe('complete')
  })

  test('gives up at once what nobody waits for', async () => {
    await using upstream = await startRawUpstream(hanging)
    await using running = await startGateway(upstream.url)
    const caller = connect(running.port, '127.0.0.1')
    caller.write(request)
    await received(caller, 1)
    caller.destroy()
    await sleep(30)
    expect(running.gateway.stats().underWay).toBe(1)
    await running.gateway.close({ timeoutMs: 60_000 })
    expect(running.entries).toMatchObject([{ outcome: 'client_gone' }])
    expect(running.records).toHaveLength(1)
  })

  test('reads a whole answer on that nobody waits for', async () => {
    const left = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    await using upstream = await startRawUpstream(async (socket) => {
      asked.resolve()
      await left.promise
      socket.write(rawReply(Buffer.from(JSON.stringify({ ...chunk, choices: [], usage })), [json]))
    })
    await using running = await startGateway(upstream.url)
    const caller = connect(running.port, '127.0.0.1')
    const body = `{"model":"m",${messages}}`
    caller.write(rawRequest({ path: '/v1/chat/completions', headers: [json], body }))
    await asked.promise
    caller.destroy()
    await sleep(30)
    const closed = running.gateway.close({ timeoutMs: 60_000 })
    left.resolve()
    await closed
    expect(running.entries).toMatchObject([{ outcome: 'client_gone', tokens: 5 }])
    expect(running.records).toMatchObject([{ outcome: 'complete' }])
  })
})
