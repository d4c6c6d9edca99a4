import { once } from 'node:events'
import { RefusedError, watchedGuard, watchedOutbox } from '@token-meter/testkit/internal'
import { ResponsesWS } from 'openai/resources/responses/ws'
import { describe, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { GatewayRefusal, stripeHeaders } from '../src/index.ts'
import {
  answering,
  callerKeys,
  closed,
  heard,
  openaiClient,
  realtime,
  responseCreated,
  responseDone,
  sessionCreated,
  startSocketRun,
  textDelta,
  withoutTls,
} from './socket-run.ts'

const say = (socket: WebSocket, event: object) => socket.send(JSON.stringify(event))

describe('a guard over a socket', () => {
  test('is asked for each response before it is passed on, and its hold is settled by the record', async () => {
    const guard = watchedGuard()
    const outbox = watchedOutbox()
    await using run = await startSocketRun({ guard, outbox, serve: answering })
    const caller = await run.open()
    expect(guard.ends).toEqual([['released']])
    say(caller, { type: 'response.create', event_id: 'mine' })
    await run.until(() => run.records.length === 1, 'it is recorded')
    expect(guard.asked).toMatchObject([{ model: 'gpt-realtime' }, { model: 'gpt-realtime' }])
    expect(guard.ends).toEqual([['released'], ['settled']])
    expect(outbox.appends).toEqual([{ records: 1, holdIds: ['hold_2'] }])
  })

  test('what it refuses is answered with an error event, is not passed on, and the socket goes on', async () => {
    let isBroke = false
    const guard = watchedGuard(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (isBroke) throw new RefusedError()
    })
    const above: string[] = []
    await using run = await startSocketRun({
      guard,
      serve(socket) {
        socket.on('message', (data) => void above.push(String(data)))
        answering(socket)
      },
    })
    const caller = await run.open()
    const events = heard(caller)
    isBroke = true
    say(caller, { type: 'response.create', event_id: 'mine' })
    // Behind it, and so after it.
    say(caller, { type: 'input_audio_buffer.clear' })
    await run.until(() => above.length === 1, 'what follows is passed on')
    expect(above).toEqual(['{"type":"input_audio_buffer.clear"}'])
    await run.until(() => events.at(-1)?.type === 'error', 'it is told')
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      event_id: expect.stringMatching(/^event_/),
      status: 402,
      error: { code: 'insufficient_quota', type: 'insufficient_quota', event_id: 'mine' },
    })
    isBroke = false
    say(caller, { type: 'response.create' })
    await run.until(() => run.records.length === 1, 'it can pay again')
  })

  test('what an upstream refuses gives back what is held', async () => {
    const guard = watchedGuard()
    await using run = await startSocketRun({
      guard,
      serve: (socket) =>
        socket.on('message', (data) => {
          const { event_id: id } = JSON.parse(String(data)) as { event_id: string }
          say(socket, { type: 'error', event_id: 'e', error: { code: 'x', event_id: id } })
        }),
    })
    const caller = await run.open()
    const events = heard(caller)
    say(caller, { type: 'response.create', event_id: 'mine' })
    await run.until(() => events.length === 1, 'it is refused')
    expect(guard.ends).toEqual([['released'], ['released']])
  })

  test('what is said unasked and cannot be paid closes the socket, and is recorded', async () => {
    const guard = watchedGuard(() => {
      if (guard.asked.length > 2) throw new RefusedError()
    })
    await using run = await startSocketRun({ guard })
    const caller = await run.open()
    const [upstream] = run.upstreams as [WebSocket]
    say(upstream, sessionCreated)
    for (const event of [responseCreated('resp_1'), responseDone('resp_1')]) say(upstream, event)
    await run.until(() => run.records.length === 1, 'the first is recorded')
    const end = closed(caller)
    for (const event of [responseCreated('resp_2'), textDelta('resp_2', 'x'.repeat(400))]) {
      say(upstream, event)
    }
    expect(await end).toEqual({ code: 4402, reason: 'insufficient_credits' })
    await run.until(() => run.records.length === 2, 'what was used is recorded')
    expect(run.records[1]).toMatchObject({ outcome: 'estimated' })
  })

  test('rates: each response counts by itself, with its tokens', async () => {
    const left: (number | undefined)[] = []
    let entered = 0
    const keys = callerKeys({}, () => {
      if (++entered > 2) {
        throw new GatewayRefusal(429, 'rate_limited', 'too many', { retryAfterMs: 1500 })
      }
      return { leave: (tokens) => void left.push(tokens) }
    })
    await using run = await startSocketRun({ serve: answering, gateway: { keys } })
    const caller = await run.open()
    const events = heard(caller)
    expect(left).toEqual([undefined])
    say(caller, { type: 'response.create' })
    await run.until(() => run.records.length === 1, 'it is recorded')
    expect(left).toEqual([undefined, 253])
    say(caller, { type: 'response.create' })
    await run.until(() => events.at(-1)?.type === 'error', 'it is refused')
    expect(events.at(-1)).toMatchObject({ status: 429, error: { code: 'rate_limited' } })
    expect(run.records).toHaveLength(1)
  })
})

test("Stripe's headers of a socket are of each of its responses", async () => {
  const outbox = watchedOutbox()
  const billing = stripeHeaders({
    sink: { name: 'stripe', send: async () => [] },
    outbox,
    secret: 'a secret of the tests',
    connect: () => ({ name: 'stripe', send: async () => [] }),
  })
  await using run = await startSocketRun({
    outbox,
    serve: answering,
    gateway: { keys: callerKeys({ stripeHeaders: true }), stripeHeaders: billing },
  })
  const caller = await run.open(realtime, [], {
    headers: { 'stripe-restricted-access-key': 'rk_live_canary' },
  })
  for (const count of [1, 2]) {
    say(caller, { type: 'response.create' })
    await run.until(() => run.records.length === count, 'it is recorded')
  }
  expect(outbox.appends).toEqual(
    [1, 2].map(() => ({
      records: 1,
      holdIds: [
        expect.stringMatching(/^stripe-headers:.*"customer":"cus_1","sealed":"[\w-]{40,}"/),
      ],
    })),
  )
  expect(JSON.stringify([outbox.appends, run.requests[0]?.headers])).not.toContain('canary')
  await billing.close?.()
})

describe('Responses over a socket', () => {
  const response = (end: string, id: string) => ({
    type: `response.${end}`,
    response: {
      object: 'response',
      id,
      model: 'gpt-5.4-2026',
      status: end === 'created' ? 'in_progress' : end,
      output: [],
      usage:
        end === 'created'
          ? null
          : {
              input_tokens: 100,
              output_tokens: 20,
              total_tokens: 120,
              input_tokens_details: { cached_tokens: 60 },
            },
    },
  })

  test('the SDK: a response is a record, with the hold of its own body', async () => {
    const guard = watchedGuard()
    await using run = await startSocketRun({
      guard,
      serve: (socket) =>
        socket.on('message', () => {
          say(socket, response('created', 'resp_1'))
          say(socket, response('completed', 'resp_1'))
        }),
    })
    const ws = new ResponsesWS(openaiClient(run), withoutTls(run))
    const types: string[] = []
    ws.on('event', ({ type }) => void types.push(type))
    await once(ws.socket as unknown as WebSocket, 'open')
    // No model is known yet: nothing is asked.
    expect(guard.asked).toEqual([])
    ws.send({ type: 'response.create', model: 'gpt-5.4', input: 'hi', max_output_tokens: 50 })
    await run.until(() => types.length === 2, 'it has come')
    expect(run.records).toMatchObject([
      {
        endpoint: 'responses',
        model: 'gpt-5.4-2026',
        customer: 'cus_1',
        tokens: { input: 40, cachedInput: 60, output: 20 },
      },
    ])
    expect(guard.asked).toMatchObject([{ model: 'gpt-5.4' }])
    expect(guard.asked[0]?.bounds()).toMatchObject({ maxOutput: 50 })
    expect(guard.ends).toEqual([['settled']])
    ws.close()
  })

  test('a key with models refuses another, none, and two', async () => {
    const above: string[] = []
    await using run = await startSocketRun({
      serve: (socket) => socket.on('message', (data) => void above.push(String(data))),
      gateway: { keys: callerKeys({ models: new Set(['gpt-5.4']) }) },
    })
    const caller = await run.open('/v1/responses')
    const events = heard(caller)
    caller.send('{"type":"response.create","model":"gpt-5.4-pro"}')
    caller.send('{"type":"response.create","input":"x"}')
    caller.send('{"type":"response.create","model":"gpt-5.4-pro","model":"gpt-5.4"}')
    caller.send(String.raw`{"type":"response\u002ecreate","mode\u006c":"gpt-5.4-pro"}`)
    caller.send('{"type":"response.create","model":"gpt-5.4"}')
    await run.until(() => above.length === 1, 'the last is passed on')
    await run.until(() => events.length === 4, 'the others are refused')
    expect(above).toEqual(['{"type":"response.create","model":"gpt-5.4"}'])
    expect(events).toMatchObject([
      { status: 403 },
      { status: 403 },
      { status: 400 },
      { status: 403 },
    ])
  })
})
