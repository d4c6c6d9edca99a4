import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { OpenAIRealtimeWS } from 'openai/realtime/ws'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import {
  answering,
  callerKeys,
  closed,
  heard,
  openaiClient,
  realtime,
  refusedSocket,
  responseCreated,
  responseDone,
  sessionCreated,
  startSocketRun,
  textDelta,
  upstreamKey,
  withoutTls,
} from './socket-run.ts'

const say = (socket: WebSocket, event: object) => socket.send(JSON.stringify(event))

describe('realtime through the gateway', () => {
  test('the SDK speaks with the upstream as if there were no gateway, and each response is a record', async () => {
    await using run = await startSocketRun({ serve: answering })
    const rt = new OpenAIRealtimeWS(
      { model: 'gpt-realtime', options: withoutTls(run) },
      openaiClient(run),
    )
    const types: string[] = []
    rt.on('event', ({ type }) => void types.push(type))
    await once(rt.socket, 'open')
    rt.send({ type: 'response.create' })
    rt.send({ type: 'response.create' })
    await run.until(() => run.records.length === 2, 'both responses are recorded')
    await run.until(() => types.length === 7, 'all of it has come')
    expect(types).toEqual([
      'session.created',
      ...['created', 'output_text.delta', 'done'].map((end) => `response.${end}`),
      ...['created', 'output_text.delta', 'done'].map((end) => `response.${end}`),
    ])
    rt.close({ code: 1000, reason: 'done' })
    await run.until(() => run.entries.length === 1, 'it is over')
    expect(run.records).toMatchObject([
      {
        endpoint: 'realtime',
        customer: 'cus_1',
        model: 'gpt-realtime',
        provider: 'openai',
        outcome: 'complete',
        responseId: 'resp_1',
        tokens: { input: 68, cachedInput: 64, cachedWrite: 0, output: 121 },
      },
      { responseId: 'resp_2' },
    ])
    expect(new Set(run.records.map(({ id }) => id)).size).toBe(2)
    expect(run.entries).toMatchObject([
      { status: 101, outcome: 'answered', model: 'gpt-realtime', tokens: 506, upstream: 'openai' },
    ])
    expect(run.errors).toEqual([])
    expect(run.faults).toEqual([])
    const { headers, url } = run.requests[0] ?? {}
    expect(headers).toMatchObject({ authorization: `Bearer ${upstreamKey}` })
    expect(url).toBe('/v1/realtime?model=gpt-realtime')
    expect(JSON.stringify(headers)).not.toMatch(/tm-key|cus_1/)
  })

  test('a key in the subprotocol or the query is replaced, and the one that the upstream chose is accepted', async () => {
    await using run = await startSocketRun({ serve: answering })
    const offered = ['realtime', 'openai-insecure-api-key.tm-canary', 'openai-project.proj_canary']
    const caller = await run.open(`/openai${realtime}&key=tm-canary`, offered, {
      headers: { authorization: '' },
    })
    expect(caller.protocol).toBe('realtime')
    const { headers, url } = run.requests[0] ?? {}
    expect(headers).toMatchObject({
      'sec-websocket-protocol': 'realtime',
      authorization: `Bearer ${upstreamKey}`,
    })
    caller.close()
    await run.until(() => run.entries.length === 1, 'it is over')
    expect(JSON.stringify([headers, url, run.entries, run.faults])).not.toContain('canary')
  })

  test('headers of the answer come, with the id of the request', async () => {
    await using run = await startSocketRun()
    const socket = new WebSocket(`${run.url}${realtime}`)
    const [{ headers }] = (await once(socket, 'upgrade')) as [IncomingMessage]
    expect(headers).toMatchObject({
      'openai-processing-ms': '7',
      'x-token-meter-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    socket.terminate()
  })

  test('messages of a socket that nobody reads are exact: text, bytes, none, and what is no JSON', async () => {
    await using run = await startSocketRun({
      serve: (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })),
      gateway: { keys: callerKeys({ allowUnknown: true }) },
    })
    const caller = await run.open('/v1/realtime/translations?model=gpt-translate')
    const messages: [Buffer, boolean][] = [
      [Buffer.from('{"type": "x",  "é": "\\u00e9"}'), false],
      [randomBytes(1000), true],
      [Buffer.alloc(0), false],
      [Buffer.alloc(0), true],
      [Buffer.from('no json'), false],
      [randomBytes(70_000), true],
    ]
    const got: [Buffer, boolean][] = []
    caller.on('message', (data, isBinary) => void got.push([data as Buffer, isBinary]))
    for (const [data, binary] of messages) caller.send(data, { binary })
    // Fragments are one message.
    caller.send('a', { fin: false })
    caller.send('b', { fin: true })
    await run.until(() => got.length === messages.length + 1, 'all have come back')
    expect(got).toEqual([...messages, [Buffer.from('ab'), false]])
  })

  test.each([
    ['no JSON', Buffer.from('no json'), false],
    ['UTF-16', Buffer.from('\uFEFF{"type":"response.create"}', 'utf16le'), true],
    ['none', Buffer.alloc(0), false],
  ])('a message that cannot be read closes the socket: %s', async (_, data, binary) => {
    const above: string[] = []
    await using run = await startSocketRun({
      serve: (socket) => socket.on('message', (message) => void above.push(String(message))),
    })
    const caller = await run.open()
    caller.send('\uFEFF{"type":"input_audio_buffer.clear"}')
    caller.send(data, { binary })
    const [code] = (await once(caller, 'close')) as [number]
    expect(code).toBe(1007)
    expect(above).toEqual(['\uFEFF{"type":"input_audio_buffer.clear"}'])
  })

  test('pings and pongs pass, with what they say', async () => {
    await using run = await startSocketRun()
    const caller = await run.open(realtime, [], { autoPong: false })
    const [upstream] = run.upstreams
    const pinged = once(caller, 'ping')
    upstream?.ping('from above')
    expect(String((await pinged)[0])).toBe('from above')
    const ponged = once(upstream as WebSocket, 'pong')
    caller.pong('an answer')
    expect(String((await ponged)[0])).toBe('an answer')
    const back = once(caller, 'pong')
    caller.ping('from below')
    expect(String((await back)[0])).toBe('from below')
  })

  test.each([
    [1000, 'done'],
    [1001, ''],
    [1011, 'the session hit the maximum duration of 60 minutes'],
    [3000, 'x'],
    [4999, 'y'],
  ])('closes with %i "%s", either way', async (code, reason) => {
    await using run = await startSocketRun()
    const [first, second] = [await run.open(), await run.open()]
    const above = closed(run.upstreams[0] as WebSocket)
    first.close(code, reason)
    expect(await above).toEqual({ code, reason })
    const below = closed(second)
    run.upstreams[1]?.close(code, reason)
    expect(await below).toEqual({ code, reason })
  })

  test('a close without a code has none, and a broken connection is broken', async () => {
    await using run = await startSocketRun()
    const [first, second, third] = [await run.open(), await run.open(), await run.open()]
    const none = closed(run.upstreams[0] as WebSocket)
    first.close()
    expect(await none).toEqual({ code: 1005, reason: '' })
    const above = closed(run.upstreams[1] as WebSocket)
    second.terminate()
    expect((await above).code).toBe(1006)
    const below = closed(third)
    run.upstreams[2]?.terminate()
    expect((await below).code).toBe(1006)
  })

  test('what was said before a break arrives', async () => {
    const text = 'x'.repeat(3_000_000)
    await using run = await startSocketRun()
    const caller = await run.open()
    const got = once(caller, 'message')
    const [upstream] = run.upstreams
    upstream?.send(text, () => setTimeout(() => upstream.terminate(), 50))
    expect(String((await got)[0])).toHaveLength(text.length)
    expect((await closed(caller)).code).toBe(1006)
  })

  test('messages of 1 MB, both ways at once, to who reads slowly: nothing is lost, and little is held', async () => {
    await using run = await startSocketRun({
      gateway: { keys: callerKeys({ allowUnknown: true }) },
    })
    const caller = await run.open('/v1/realtime/translations?model=gpt-translate')
    const [upstream] = run.upstreams as [WebSocket]
    const parts = Array.from({ length: 60 }, () => randomBytes(2 ** 20))
    const hashes = (of: WebSocket) => {
      const all: string[] = []
      of.on('message', (data) => {
        all.push(
          createHash('sha256')
            .update(data as Buffer)
            .digest('hex'),
        )
        of.pause()
        setTimeout(() => of.resume(), 2)
      })
      return all
    }
    const [below, above] = [hashes(caller), hashes(upstream)]
    for (const part of parts) {
      upstream.send(part)
      caller.send(part)
    }
    await run.until(() => below.length === 60 && above.length === 60, 'all have come')
    const expected = parts.map((part) => createHash('sha256').update(part).digest('hex'))
    expect([below, above]).toEqual([expected, expected])
  })
})

describe('where a socket ends', () => {
  const script = [
    sessionCreated,
    responseCreated('resp_1'),
    textDelta('resp_1', 'Hello there, how are you?'),
    responseDone('resp_1'),
    responseCreated('resp_2'),
    textDelta('resp_2', 'Again'),
  ]
  // After n messages: the records, by their outcome.
  const expected = [
    [],
    [],
    [],
    ['estimated'],
    ['complete'],
    // What it reads is known by then: the conversation.
    ['complete', 'estimated'],
    ['complete', 'estimated'],
  ]

  describe.each(['upstream', 'caller'] as const)('the %s breaks off', (who) => {
    test.each(expected.map((outcomes, count) => ({ count, outcomes })))(
      'behind message $count',
      async ({ count, outcomes }) => {
        await using run = await startSocketRun()
        const caller = await run.open()
        const events = heard(caller)
        const [upstream] = run.upstreams as [WebSocket]
        for (const event of script.slice(0, count)) say(upstream, event)
        await run.until(() => events.length === count, 'it has come')
        const other = closed(who === 'upstream' ? caller : upstream)
        if (who === 'upstream') upstream.terminate()
        else caller.terminate()
        expect((await other).code).toBe(1006)
        await run.until(() => run.entries.length === 1, 'it is over')
        expect(run.records.map(({ outcome }) => outcome)).toEqual(outcomes)
        expect(events).toEqual(script.slice(0, count))
      },
    )
  })

  test('what was said by then is kept while a response goes on, for when the process is killed', async () => {
    const path = temporaryFile()
    await using run = await startSocketRun({ outbox: sqliteOutbox(path) })
    const caller = await run.open()
    const events = heard(caller)
    const [upstream] = run.upstreams as [WebSocket]
    for (const event of script.slice(0, 3)) say(upstream, event)
    await run.until(() => events.length === 3, 'it has come')
    const kept = () => {
      if (!existsSync(path)) return []
      const database = new DatabaseSync(path, { readOnly: true })
      const rows = database.prepare('SELECT body FROM open_usage').all()
      database.close()
      return rows.map(({ body }) => JSON.parse(String(body)) as object)
    }
    await run.until(() => kept().length === 1, 'it is kept')
    expect(kept()).toMatchObject([
      { endpoint: 'realtime', responseId: 'resp_1', customer: 'cus_1' },
    ])
    expect(run.records).toEqual([])
    say(upstream, responseDone('resp_1'))
    await run.until(() => run.records.length === 1, 'it has ended')
    await run.until(() => kept().length === 0, 'nothing is kept beside it')
  })

  test('a gateway that ends waits for the response under way, and no longer', async () => {
    await using run = await startSocketRun()
    const [idle, busy] = [await run.open(), await run.open()]
    const events = heard(busy)
    const [, upstream] = run.upstreams as [WebSocket, WebSocket]
    for (const event of script.slice(0, 3)) say(upstream, event)
    await run.until(() => events.length === 3, 'it is under way')
    const idleEnd = closed(idle)
    const ended = run.gateway.close({ timeoutMs: 20_000 })
    expect((await idleEnd).code).toBe(1001)
    const busyEnd = closed(busy)
    say(upstream, responseDone('resp_1'))
    expect((await busyEnd).code).toBe(1001)
    expect(events.map(({ type }) => type).at(-1)).toBe('response.done')
    await ended
    expect(run.records).toMatchObject([{ outcome: 'complete' }])
    expect(run.entries).toMatchObject([{ outcome: 'shut_down' }, { outcome: 'shut_down' }])
    expect((await refusedSocket(`${run.url}${realtime}`)).status).toBe(503)
  })
})
