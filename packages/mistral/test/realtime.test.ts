import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { RealtimeTranscription } from '@mistralai/mistralai/extra/realtime'
import {
  createMeter,
  type Customer,
  type Guard,
  memoryOutbox,
  mistralProvider,
  type UsageRecord,
} from '../src/index.ts'
import { RefusedError, watchedGuard } from '@token-meter/testkit/internal'
import { expect, test, vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'

const session = {
  request_id: 'req_1',
  model: 'voxtral-mini-transcribe-realtime',
  audio_format: { encoding: 'pcm_s16le', sample_rate: 16_000 },
}
const delta = { type: 'transcription.text.delta', text: 'Hello' }
const done = {
  type: 'transcription.done',
  model: 'voxtral-mini-transcribe-realtime-2602',
  text: 'Hello',
  segments: [],
  language: 'en',
  usage: { prompt_tokens: 40, completion_tokens: 3, total_tokens: 43, prompt_audio_seconds: 5 },
}

/** A server that answers each end of audio as the script says. */
async function start(
  script: (socket: WebSocket) => void,
  customer: Customer = 'cus_1',
  guard?: Guard,
) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    socket.send(JSON.stringify({ type: 'session.created', session }))
    socket.on('message', (data) => {
      if (String(data).includes('input_audio.end')) script(socket)
    })
  })
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [mistralProvider],
    outbox: memoryOutbox(),
    onMissingCustomer: 'throw',
    ...(guard && { guard }),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  const serverURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const raw = new RealtimeTranscription({ apiKey: 'k', serverURL })
  return {
    serverURL,
    meter,
    records,
    errors,
    raw,
    metered: meter(raw, customer),
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      await meter.close()
      server.close()
    },
  }
}

async function* audio() {
  yield new Uint8Array([1, 2])
}

async function transcribed(client: RealtimeTranscription): Promise<string[]> {
  const types: string[] = []
  for await (const event of client.transcribeStream(audio(), session.model))
    types.push(String(event.type))
  return types
}

const answer = (events: readonly object[]) => (socket: WebSocket) => {
  for (const event of events) socket.send(JSON.stringify(event))
}
const heard = {
  customer: 'cus_1',
  provider: 'mistral',
  endpoint: 'audio.transcriptions.realtime',
  model: done.model,
  requestedModel: session.model,
  tokens: { input: 40, cachedInput: 0, cachedWrite: 0, output: 3 },
  details: { seconds: 5 },
  outcome: 'complete',
}

test('a socket to a gateway of one’s own is not recorded here', async () => {
  await using run = await start(answer([delta, done]))
  vi.stubEnv('TOKEN_METER_GATEWAY', run.serverURL)
  expect((await transcribed(run.metered)).at(-1)).toBe(done.type)
  vi.unstubAllEnvs()
  expect(run.records).toEqual([])
})

test('a transcription over a socket is recorded once, and its events are those of a raw client', async () => {
  await using run = await start(answer([delta, done]))
  expect(await transcribed(run.metered)).toEqual(await transcribed(run.raw))
  expect(run.records).toMatchObject([heard])
  expect(run.errors).toEqual([])
  expect(run.metered).toBeInstanceOf(RealtimeTranscription)
})

test('each transcription of one connection, and the one that is cut off', async () => {
  await using run = await start(answer([delta, done, delta]))
  const connection = await run.metered.connect(session.model)
  await connection.sendAudio(new Uint8Array([1]))
  await connection.endAudio()
  await connection.endAudio()
  let seen = 0
  for await (const { type } of connection) {
    if (type === delta.type && ++seen === 4) break
  }
  await connection.close()
  const cut = { outcome: 'estimated', customer: 'cus_1' }
  expect(run.records).toMatchObject([heard, heard, cut])
  expect(run.records[2]?.tokens.output).toBeGreaterThan(0)
})

test('a connection over which nothing is said costs nothing', async () => {
  await using run = await start(() => {})
  const connection = await run.metered.connect(session.model)
  await connection.close()
  expect(run.records).toEqual([])
  expect(run.errors).toEqual([])
})

test('metered twice it is billed once, and nobody is refused before the socket opens', async () => {
  await using run = await start(answer([delta, done]), () => undefined)
  await expect(run.metered.connect(session.model)).rejects.toMatchObject({
    code: 'missing-customer',
  })
  expect(run.connections()).toBe(0)
  await run.meter.withCustomer('cus_context', () => transcribed(run.metered))
  await transcribed(run.meter(run.metered, 'cus_2'))
  expect(run.records.map(({ customer }) => customer)).toEqual(['cus_context', 'cus_2'])
})

test('a connection that fails is an error of the SDK, and costs nothing', async () => {
  await using run = await start(() => {})
  const nowhere = new RealtimeTranscription({ apiKey: 'k', serverURL: 'http://127.0.0.1:9' })
  await expect(run.meter(nowhere, 'cus_1').connect('m')).rejects.toThrow(/connect/)
  expect(run.records).toEqual([])
})

test('a spy on its method is called, also by the other methods, and what it mocks is nobody’s usage', async () => {
  await using run = await start(answer([delta, done]))
  const spy = vi.spyOn(run.metered, 'connect')
  await transcribed(run.metered)
  expect(spy).toHaveBeenCalledOnce()
  expect(run.records).toMatchObject([heard])
  spy.mockResolvedValue('mocked' as never)
  expect(await run.metered.connect(session.model)).toBe('mocked')
  expect([run.records.length, run.errors]).toEqual([1, []])
  vi.restoreAllMocks()
  await transcribed(run.metered)
  expect(run.records).toMatchObject([heard, heard])
})

test('a guard that refuses: the refusal is the error, and nothing is opened', async () => {
  const guard = watchedGuard(() => Promise.reject(new RefusedError()))
  await using run = await start(() => {}, 'cus_1', guard)
  await expect(run.metered.connect(session.model)).rejects.toBeInstanceOf(RefusedError)
  await expect(transcribed(run.metered)).rejects.toBeInstanceOf(RefusedError)
  expect(guard.asked[0]?.bounds().beyond).toContain('media')
  expect(run.connections()).toBe(0)
})

test('what a connection is held for is settled by its first transcription, or given back', async () => {
  const guard = watchedGuard()
  await using run = await start(
    (socket) => {
      for (const event of [delta, done]) socket.send(JSON.stringify(event))
    },
    'cus_1',
    guard,
  )
  await transcribed(run.metered)
  expect(run.records).toHaveLength(1)
  expect(guard.ends).toEqual([['settled']])
  const silent = await run.metered.connect(session.model)
  await silent.close()
  await vi.waitFor(() => expect(guard.ends[1]).toEqual(['released']))
})

test('each transcription of a connection has a hold of its own; a refusal closes it', async () => {
  const guard = watchedGuard(() =>
    guard.asked.length > 2 ? Promise.reject(new RefusedError()) : undefined,
  )
  let transcriptions = 0
  await using run = await start(
    (socket) => answer(++transcriptions > 2 ? [delta] : [delta, done])(socket),
    'cus_1',
    guard,
  )
  const connection = await run.metered.connect(session.model)
  const closed = new Promise((resolve) => {
    const { websocket } = connection as unknown as { websocket: globalThis.WebSocket }
    websocket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
  })
  await connection.sendAudio(new Uint8Array([1]))
  for (const count of [1, 2]) {
    await connection.endAudio()
    await vi.waitFor(() => expect(run.records).toHaveLength(count))
  }
  expect(guard.ends).toEqual([['settled'], ['settled']])
  await connection.endAudio()
  expect(await closed).toEqual({ code: 4402, reason: 'insufficient_credits' })
  expect(connection.isClosed).toBe(true)
  await vi.waitFor(() => expect(run.records).toHaveLength(3))
  expect(run.records[2]).toMatchObject({ outcome: 'estimated', customer: 'cus_1' })
  expect(run.errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/closed with the code 4402/),
  ])
})
