import OpenAI from 'openai'
import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket'
import { describe, expect, it } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'
import { meterRealtime, meterWebSocket } from '../src/index.ts'
import { until } from './metered.ts'
import { startSocketRun, type SocketRun } from './realtime-server.ts'

const RawWebSocket = globalThis.WebSocket

const usage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
}

function events(id: string, lane?: string) {
  const response = { object: 'response', id, model: 'gpt-5.4-2026', status: 'in_progress' }
  const place = lane === undefined ? {} : { stream_id: lane }
  return {
    created: { type: 'response.created', response, ...place },
    completed: {
      type: 'response.completed',
      response: { ...response, status: 'completed', usage },
      ...place,
    },
  }
}

const pathOf = (run: SocketRun, path: string) => run.baseURL.replace('http:', 'ws:') + path

type AnySocket = Pick<WebSocket, 'send' | 'close' | 'addEventListener'>

async function opened<Socket extends AnySocket>(socket: Socket): Promise<Socket> {
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  return socket
}

describe.each([
  { name: 'the global class', Class: RawWebSocket },
  { name: 'the class of ws', Class: NodeWebSocket as unknown as typeof WebSocket },
])('meterWebSocket with $name', ({ Class }) => {
  it('records what a connection to a model says, in text or in bytes, and passes it on', async () => {
    await using run = await startSocketRun()
    const Metered = meterWebSocket('cus_1', { meter: run.meter, webSocket: Class })
    const socket = await opened(new Metered(pathOf(run, '/responses')))
    const seen: unknown[] = []
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', ({ data }) => void seen.push(data))
    const { created, completed } = events('resp_1')
    run.connections[0]?.send(JSON.stringify(created))
    run.connections[0]?.send('no JSON')
    run.connections[0]?.send(Buffer.from(JSON.stringify(completed)), { binary: true })
    await until(() => seen.length === 3, 'all has come')
    expect(seen[0]).toBe(JSON.stringify(created))
    expect(seen[2]).toBeInstanceOf(ArrayBuffer)
    expect(run.records).toMatchObject([
      {
        customer: 'cus_1',
        endpoint: 'responses',
        tokens: { input: 30, cachedInput: 60, cachedWrite: 10, output: 20 },
        outcome: 'complete',
      },
    ])
    // Paths of other services end alike: what is no JSON is passed over, as in a body.
    expect(run.errors).toEqual([])
    socket.close()
  })

  it('bills who asked in each lane, and nobody where nobody was named', async () => {
    await using run = await startSocketRun()
    const Metered = meterWebSocket(() => undefined, { meter: run.meter, webSocket: Class })
    // Whoever opens a connection pays for nothing that others ask.
    const socket = await run.meter.withCustomer('cus_opener', () =>
      opened(new Metered(pathOf(run, '/responses'))),
    )
    const ask = (lane: string) => {
      socket.send(JSON.stringify({ type: 'response.create', stream_id: lane, input: 'hi' }))
    }
    run.meter.withCustomer('cus_a', () => ask('a'))
    run.meter.withCustomer('cus_b', () => ask('b'))
    ask('c')
    for (const lane of ['b', 'a', 'c']) {
      run.connections[0]?.send(JSON.stringify(events(lane, lane).created))
    }
    for (const lane of ['a', 'b', 'c']) {
      run.connections[0]?.send(JSON.stringify(events(lane, lane).completed))
    }
    await until(() => run.records.length === 3, 'all is recorded')
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_a', 'cus_b', null])
    socket.close()
  })

  it('estimates what a lost connection leaves, with the input that was sent', async () => {
    await using run = await startSocketRun()
    const Metered = meterWebSocket('cus_1', { meter: run.meter, webSocket: Class })
    const socket = await opened(new Metered(pathOf(run, '/responses')))
    // About 100 tokens of input, and 10 of output.
    socket.send(JSON.stringify({ input: 'word '.repeat(80), type: 'response.create' }))
    const { created } = events('resp_1')
    run.connections[0]?.send(JSON.stringify(created))
    const delta = { type: 'response.output_text.delta', delta: 'word '.repeat(8) }
    run.connections[0]?.send(JSON.stringify(delta))
    run.connections[0]?.close()
    await until(() => run.records.length === 1, 'the estimate is recorded')
    expect(run.records[0]?.details.estimated).toEqual(['input', 'output'])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(60)
    expect(run.records[0]?.tokens.input).toBeLessThan(130)
    expect(run.records[0]?.tokens.output).toBeGreaterThan(4)
  })

  it('metered again, meters once, for whoever is named last', async () => {
    await using run = await startSocketRun()
    const First = meterWebSocket('cus_1', { meter: run.meter, webSocket: Class })
    const Last = meterWebSocket('cus_2', { meter: run.meter, webSocket: First })
    const socket = await opened(new Last(pathOf(run, '/responses')))
    run.connections[0]?.send(JSON.stringify(events('resp_1').completed))
    await until(() => run.records.length > 0, 'it is recorded')
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_2'])
    socket.close()
  })

  it('cannot be told from the raw class', async () => {
    await using run = await startSocketRun()
    const Metered = meterWebSocket('cus_1', { meter: run.meter, webSocket: Class })
    expect(Metered.OPEN).toBe(Class.OPEN)
    expect(Metered.name).toBe(Class.name)
    expect(Reflect.ownKeys(Metered)).toEqual(Reflect.ownKeys(Class))
    class Own extends Metered {
      readonly isOwn = true
    }
    const socket = await opened(new Own(pathOf(run, '/responses')))
    expect(socket).toBeInstanceOf(Class)
    expect(socket).toBeInstanceOf(Metered)
    expect(socket.isOwn).toBe(true)
    expect(socket.constructor).toBe(Own)
    expect(Object.keys(socket)).not.toContain('send')
    const { completed } = events('resp_1')
    run.connections[0]?.send(JSON.stringify(completed))
    await until(() => run.records.length === 1, 'it is recorded')
    socket.close()
  })

  it('leaves connections to anywhere else alone', async () => {
    await using run = await startSocketRun()
    const Metered = meterWebSocket('cus_1', { meter: run.meter, webSocket: Class })
    const socket = await opened(new Metered(pathOf(run, '/chat-room')))
    expect(Object.hasOwn(socket, 'send')).toBe(false)
    socket.close()
  })
})

it('a socket of the SDK over a metered one is metered once, for who was named last', async () => {
  await using run = await startSocketRun()
  // The SDK connects by TLS alone.
  class Plain extends RawWebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(String(url).replace('wss:', 'ws:'), protocols)
    }
  }
  globalThis.WebSocket = meterWebSocket('cus_class', { meter: run.meter, webSocket: Plain })
  try {
    const sdk = new OpenAI({
      apiKey: 'sk-test',
      baseURL: run.baseURL,
      dangerouslyAllowBrowser: true,
    })
    const rt = meterRealtime(
      new OpenAIRealtimeWebSocket({ model: 'gpt-realtime' }, sdk),
      'cus_socket',
      { meter: run.meter },
    )
    const response = { object: 'realtime.response', id: 'resp_1', status: 'completed' }
    const realtimeUsage = { input_tokens: 12, output_tokens: 4, total_tokens: 16 }
    await run.play(rt, [{ type: 'response.done', response: { ...response, usage: realtimeUsage } }])
    expect(run.records).toMatchObject([
      { customer: 'cus_socket', tokens: { input: 12, output: 4 } },
    ])
    rt.close()
  } finally {
    globalThis.WebSocket = RawWebSocket
  }
})

it('refuses at its own line what is wrong', async () => {
  await using run = await startSocketRun()
  const { meter } = run
  expect(() => meterWebSocket('', { meter })).toThrow(TypeError)
  expect(() => meterWebSocket('cus_1', { meter, provder: 'x' } as never)).toThrow(/provder/)
  Reflect.deleteProperty(globalThis, 'WebSocket')
  try {
    expect(() => meterWebSocket('cus_1', { meter })).toThrow(/no WebSocket class/)
  } finally {
    globalThis.WebSocket = RawWebSocket
  }
})
