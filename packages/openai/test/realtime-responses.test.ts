import OpenAI7 from 'openai'
import { ResponsesWS as BetaResponsesWS7 } from 'openai/resources/beta/responses/ws'
import { ResponsesWS as ResponsesWS7 } from 'openai/resources/responses/ws'
import OpenAI6 from 'openai6'
import { ResponsesWS as ResponsesWS6 } from 'openai6/resources/responses/ws'
import { describe, expect, it } from 'vitest'
import { until } from './metered.ts'
import { startSocketRun, type SocketRun } from './realtime-server.ts'

type ResponsesClass = new (client: object, options?: object) => ResponsesWS7

const sockets = [
  { name: '7', Socket: ResponsesWS7 as unknown as ResponsesClass, Client: OpenAI7 },
  { name: '7 beta', Socket: BetaResponsesWS7 as unknown as ResponsesClass, Client: OpenAI7 },
  { name: '6', Socket: ResponsesWS6 as unknown as ResponsesClass, Client: OpenAI6 },
]

const usage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
}

function responseEvent(end: string, id: string, rest: object = {}) {
  const status = end === 'created' ? 'in_progress' : end
  const response = { object: 'response', id, model: 'gpt-5.4-2026', status, output: [] }
  const given = end === 'created' ? null : usage
  return { type: `response.${end}`, response: { ...response, usage: given }, ...rest }
}

function delta(text: string, rest: object = {}) {
  return { type: 'response.output_text.delta', item_id: 'msg_1', delta: text, ...rest }
}

describe.each(sockets)('ResponsesWS of SDK $name', ({ Socket, Client }) => {
  const open = (run: SocketRun, options?: object) =>
    new Socket(new (Client as typeof OpenAI7)({ apiKey: 'sk-test', baseURL: run.baseURL }), options)

  it('records each response however it ends, once, with the counts of HTTP', async () => {
    await using run = await startSocketRun()
    const raw = open(run)
    const ws = run.wrap(raw)
    expect(ws).toBe(raw)
    const ends = ['completed', 'incomplete', 'failed']
    await run.play(
      ws,
      ends.flatMap((end) => [
        responseEvent('created', end),
        delta('words'),
        responseEvent(end, end),
        responseEvent(end, end),
      ]),
    )
    expect(run.records).toHaveLength(3)
    for (const record of run.records) {
      expect(record).toMatchObject({
        endpoint: 'responses',
        model: 'gpt-5.4-2026',
        tokens: { input: 30, cachedInput: 60, cachedWrite: 10, output: 20 },
        details: { reasoning: 5 },
        outcome: 'complete',
        raw: usage,
      })
    }
    ws.close()
  })

  it('keeps lanes apart, and leaves one estimate of each that the connection cuts', async () => {
    await using run = await startSocketRun()
    const ws = run.wrap(open(run), ({ body }) => body.metadata?.customer)
    ws.on('error', () => {})
    const lane = (id: string) => ({ stream_id: id })
    const created = (id: string) => {
      const event = responseEvent('created', id, lane(id))
      return { ...event, response: { ...event.response, metadata: { customer: id } } }
    }
    await run.play(ws, [
      created('a'),
      created('b'),
      created('c'),
      delta('x'.repeat(40), lane('a')),
      delta('x'.repeat(4000), lane('b')),
      responseEvent('completed', 'c', lane('c')),
    ])
    run.connections[0]?.terminate()
    await until(() => run.records.length === 3, 'the socket is closed')
    const [complete, ...lost] = run.records
    expect(complete).toMatchObject({ customer: 'c', outcome: 'complete' })
    expect(lost.map(({ customer, outcome }) => [customer, outcome])).toEqual([
      ['a', 'estimated'],
      ['b', 'estimated'],
    ])
    expect(lost[1]?.tokens.output).toBeGreaterThan(50 * (lost[0]?.tokens.output ?? 1))
    expect(run.errors).toEqual([])
  })

  it('tells responses of one lane apart by their ids', async () => {
    await using run = await startSocketRun()
    const ws = run.wrap(open(run))
    const order = ['created a', 'created b', 'completed a', 'completed b']
    const events = order.map((step) => step.split(' ') as [string, string])
    await run.play(
      ws,
      events.map(([end, id]) => responseEvent(end, id)),
    )
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete'])
    ws.close()
  })

  it('does not lose what a reconnect cuts', async () => {
    await using run = await startSocketRun()
    const ws = run.wrap(
      open(run, { reconnect: { onReconnecting: () => {}, initialDelay: 1, maxDelay: 1 } }),
    )
    ws.on('error', () => {})
    await run.play(ws, [responseEvent('created', 'resp_1'), delta('some words')])
    run.connections[0]?.terminate()
    await until(() => run.connections.length === 2, 'the socket has reconnected')
    await run.play(ws, [responseEvent('created', 'resp_2'), responseEvent('completed', 'resp_2')])
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['estimated', 'complete'])
    ws.close()
  })

  it('bills nothing that was refused before it began', async () => {
    await using run = await startSocketRun()
    const ws = run.wrap(open(run))
    ws.on('error', () => {})
    await run.play(ws, [{ type: 'error', error: { message: 'no', code: 'x' }, status: 400 }])
    ws.close()
    await until(() => run.connections[0]?.readyState === 3, 'the socket is closed')
    expect(run.records).toEqual([])
  })

  it('works with a metered client as well, and is metered once', async () => {
    await using run = await startSocketRun()
    const client = new (Client as typeof OpenAI7)({ apiKey: 'sk-test', baseURL: run.baseURL })
    const ws = run.wrap(new Socket(run.meter(client, 'cus_client')), 'cus_socket')
    await run.play(ws, [responseEvent('created', 'resp_1'), responseEvent('completed', 'resp_1')])
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_socket'])
    ws.close()
  })
})
